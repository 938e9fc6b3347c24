import { mkdtempSync, writeFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterAccess } from './cluster.js';

/**
 * A cluster that is there already, by the name of its kubeconfig context. Only asked for by name: whatever context happens to
 * be current may be somebody's production. Needs an administrator's rights; leaves namespaces `orders*` behind.
 */
export async function existingCluster(context: string): Promise<ClusterAccess> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromDefault();
  if (!config.getContextObject(context)) {
    const names = config.getContexts().map(({ name }) => name);
    throw new Error(`The kubeconfig has no context "${context}". It has: ${names.join(', ')}.`);
  }
  config.setCurrentContext(context);
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const caFile = join(mkdtempSync(join(tmpdir(), 'nestjs-leader-existing-')), 'ca.crt');
  writeFileSync(caFile, String(options.ca ?? ''));
  const authorization = (options.headers as Record<string, string> | undefined)?.['Authorization'];
  return {
    url: config.getCurrentCluster()!.server,
    caFile,
    adminToken: authorization?.replace(/^Bearer /, ''),
    certificate: options.cert?.toString(),
    key: options.key?.toString(),
  };
}
