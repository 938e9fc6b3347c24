import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../control-plane/cluster.js';

export const SERVICE_ACCOUNT = 'orders-worker';

/** Token, CA and namespace of one replica's ServiceAccount, as the kubelet mounts them into a pod. */
export class MountedFiles {
  private constructor(
    readonly folder: string,
    private readonly cluster: Cluster,
    private readonly namespace: string,
  ) {}

  static async in(folder: string, cluster: Cluster, namespace: string): Promise<MountedFiles> {
    const files = new MountedFiles(folder, cluster, namespace);
    mkdirSync(folder);
    writeFileSync(join(folder, 'namespace'), namespace);
    files.trust(readFileSync(cluster.access.caFile, 'utf8'));
    await files.freshToken();
    return files;
  }

  get token(): string {
    return readFileSync(this.tokenFile, 'utf8');
  }

  get tokenFile(): string {
    return join(this.folder, 'token');
  }

  /** Replaces the CA bundle. */
  trust(ca: string): void {
    writeFileSync(join(this.folder, 'ca.crt'), ca);
  }

  /** As the kubelet does well before the old one expires. @param pod ends the token when it is deleted */
  async freshToken(pod?: { name: string; uid: string }): Promise<void> {
    writeFileSync(this.tokenFile, await this.cluster.serviceAccountToken(this.namespace, SERVICE_ACCOUNT, pod));
  }
}
