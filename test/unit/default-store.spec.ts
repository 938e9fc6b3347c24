import { Logger } from '@nestjs/common';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { chooseStore, defaultStore } from '../../lib/registry/default-store.js';

/** A process that is no test runner's. */
const PLAIN = { argv: ['node', '/app/dist/main.js'], moduleLoadList: ['NativeModule fs'] };

describe('the store of an application that names none', () => {
  it.each([
    ['on a developer machine', {}, 'file'],
    ['under vitest', { VITEST: 'true' }, 'memory'],
    ['under jest', { JEST_WORKER_ID: '1' }, 'memory'],
    ['under node:test', { NODE_TEST_CONTEXT: 'child-v8' }, 'memory'],
    ['in a pod', { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, 'kubernetes'],
    ['in a production pod', { KUBERNETES_SERVICE_HOST: '10.0.0.1', NODE_ENV: 'production' }, 'kubernetes'],
    ['under a test runner in a pod', { KUBERNETES_SERVICE_HOST: '10.0.0.1', VITEST: 'true' }, 'memory'],
    [
      'in a production pod under a bundler, whose workers look like those of jest',
      { KUBERNETES_SERVICE_HOST: '10.0.0.1', NODE_ENV: 'production', JEST_WORKER_ID: '1' },
      'kubernetes',
    ],
  ])('%s', (_, env, store) => {
    expect(chooseStore(env, PLAIN)).toBe(store);
  });

  it.each([
    ['mocha', { argv: ['node', '/app/node_modules/.bin/mocha', 'a.spec.js'] }],
    ['mocha on Windows', { argv: ['node', String.raw`C:\app\node_modules\mocha\bin\mocha.js`] }],
    [
      'node:test without isolation',
      { argv: ['node', 'a.js'], moduleLoadList: ['NativeModule internal/test_runner/harness'] },
    ],
  ])('is memory under %s, which sets no variable', (_, traits) => {
    expect(chooseStore({}, traits)).toBe('memory');
    expect(() => chooseStore({ NODE_ENV: 'production' }, traits)).toThrow('NODE_ENV');
  });

  it.each([
    ['a file would elect one leader per host', {}],
    ['memory would let every replica lead', { JEST_WORKER_ID: '1' }],
  ])('is not chosen in production outside Kubernetes: %s', (_, env) => {
    const named = expect.stringMatching(/kubernetesLease.*postgresLease.*fileLease/);
    expect(() => chooseStore({ NODE_ENV: 'production', ...env })).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: named, advice: named }),
    );
  });

  it('is told, when it is memory, to whoever did not mean to run a test', () => {
    const log = vi.spyOn(Logger.prototype, 'log').mockImplementation(() => {});
    onTestFinished(() => log.mockRestore());
    expect(defaultStore()().name).toBe('memory');
    expect(log).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('JEST_WORKER_ID'));
  });
});
