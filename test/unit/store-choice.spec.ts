import { describe, expect, it } from 'vitest';
import { chooseStore } from '../../lib/store-choice.js';

describe('the store of an application that names none', () => {
  it.each([
    ['on a developer machine', {}, 'file'],
    ['under vitest', { VITEST: 'true' }, 'memory'],
    ['under jest', { JEST_WORKER_ID: '1' }, 'memory'],
    ['under node:test', { NODE_TEST_CONTEXT: 'child-v8' }, 'memory'],
    ['in a pod', { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, 'kubernetes'],
    ['in a production pod', { KUBERNETES_SERVICE_HOST: '10.0.0.1', NODE_ENV: 'production' }, 'kubernetes'],
    ['under a test runner in a pod', { KUBERNETES_SERVICE_HOST: '10.0.0.1', VITEST: 'true' }, 'memory'],
    ['under a test runner with production settings', { NODE_ENV: 'production', VITEST: 'true' }, 'memory'],
  ])('%s', (_, env, store) => {
    expect(chooseStore(env)).toBe(store);
  });

  it('is not chosen in production outside Kubernetes: a file would elect one leader per host', () => {
    const named = expect.stringMatching(/kubernetesLease.*postgresLease.*fileLease/);
    expect(() => chooseStore({ NODE_ENV: 'production' })).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: named, advice: named }),
    );
  });
});
