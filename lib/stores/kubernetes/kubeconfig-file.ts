import type { SpawnOptions } from 'node:child_process';
import type { Socket } from 'node:net';
import { LeaseStoreError } from '../../election/errors.js';
import type { KubeConfigLike } from './credentials-kubeconfig.js';

/** Milliseconds after which a plugin counts as hung. Those of the clouds answer within a few seconds. */
export const HUNG = 30_000;

export async function loadKubeConfig(source?: KubeConfigLike | string): Promise<KubeConfigLike> {
  if (typeof source === 'object') return source;
  const { KubeConfig } = await import('@kubernetes/client-node').catch((cause: unknown) => {
    throw new LeaseStoreError(
      'STORE_UNAUTHENTICATED',
      `Cannot load @kubernetes/client-node: ${(cause as Error).message}.`,
      {
        advice: 'Outside a pod it reads the kubeconfig: npm install @kubernetes/client-node (1.x on Node 20).',
        cause,
      },
    );
  });
  const config = new KubeConfig();
  try {
    if (source === undefined) await loadDefault(config);
    else config.loadFromFile(source);
  } catch (cause) {
    throw cause instanceof LeaseStoreError ? cause : unusable((cause as Error).message, cause);
  }
  await boundPlugins(config);
  return config;
}

/** Left to itself client-node would settle for http://localhost:8080 where there is no file. */
async function loadDefault(config: { loadFromDefault(): void }): Promise<void> {
  const { existsSync } = await import('node:fs');
  const { homedir } = await import('node:os');
  if (!process.env.KUBECONFIG && !existsSync(`${homedir()}/.kube/config`)) {
    throw unusable('KUBECONFIG is not set and ~/.kube/config does not exist');
  }
  config.loadFromDefault();
}

export function unusable(detail: string, cause?: unknown): LeaseStoreError {
  return new LeaseStoreError('STORE_UNAUTHENTICATED', `Cannot use the kubeconfig: ${detail}.`, {
    advice: 'Check that `kubectl get leases` works with the same KUBECONFIG, or pass `kubeConfig`.',
    cause,
  });
}

/**
 * client-node waits for a plugin for ever: each one that hangs would stay, and keep the process from ending. It has no setting for
 * this; where it hides its way to start them elsewhere one day, plugins are unbounded again and nothing else breaks.
 */
async function boundPlugins(config: object): Promise<void> {
  const { spawn } = await import('node:child_process');
  const execFn = (command: string, args: readonly string[] = [], options: SpawnOptions = {}) => {
    const plugin = spawn(command, args, { ...options, stdio: 'pipe' });
    const pipes = [plugin.stdin, plugin.stdout, plugin.stderr] as Socket[];
    for (const held of [plugin, ...pipes]) held.unref();
    const timer = setTimeout(() => {
      plugin.emit('error', new Error(`${command} did not answer within ${HUNG / 1000} s`));
      plugin.kill('SIGKILL');
      // What the plugin has started itself may hold their other ends.
      for (const pipe of pipes) pipe.destroy();
    }, HUNG).unref();
    return plugin.once('close', () => clearTimeout(timer));
  };
  const { authenticators = [] } = config as { authenticators?: { execFn?: unknown }[] };
  for (const authenticator of authenticators) if (authenticator.execFn) authenticator.execFn = execFn;
}
