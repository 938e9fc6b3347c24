import { beforeAll, describe, expect, it, vi } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };

/** What a bundle that carries the ES modules and the CommonJS of the package has: each file twice. */
const load = async () => {
  vi.resetModules();
  return { ...(await import('nestjs-leader')), fencing: await import('nestjs-leader/fencing') };
};
type Copy = Awaited<ReturnType<typeof load>>;

describe('two copies of the package in one process', () => {
  let one: Copy;
  let other: Copy;
  beforeAll(async () => {
    one = await load();
    other = await load();
    expect(other.LeaderElector).not.toBe(one.LeaderElector);
  });

  it('have one class to inject by', () => {
    expect(other.LeaderElectionService).toBe(one.LeaderElectionService);
    expect(one.LeaderElectionService.name).toBe('LeaderElectionService');
  });

  it('share what admitted calls, registries and the uses of a store are known by, within a major version', () => {
    const [major] = packageJson.version.split('.');
    const prefix = `nestjs-leader:${major}:`;
    const shared = Object.getOwnPropertySymbols(globalThis).flatMap(({ description = '' }) =>
      description.startsWith(prefix) ? [description.slice(prefix.length)] : [],
    );
    expect(shared.toSorted()).toEqual([
      'LeaderCronService',
      'LeaderElectionService',
      'admitted-calls',
      'cron-arithmetic',
      'exit',
      'last-words',
      'offspring',
      'registries',
      'users-of-stores',
    ]);
  });

  it.each([
    ['NotLeaderError', (copy: Copy) => [copy.NotLeaderError, new copy.NotLeaderError('x')] as const],
    ['ElectionStoppedError', (copy: Copy) => [copy.ElectionStoppedError, new copy.ElectionStoppedError('x')] as const],
    [
      'LeaderElectionConfigError',
      (copy: Copy) => [copy.LeaderElectionConfigError, new copy.LeaderElectionConfigError('x')] as const,
    ],
    ['LeaseStoreError', (copy: Copy) => [copy.LeaseStoreError, new copy.LeaseStoreError('STORE_FAILED', 'x')] as const],
    ['FencedError', (copy: Copy) => [copy.fencing.FencedError, new copy.fencing.FencedError('x', 1n)] as const],
    [
      'UnfenceableError',
      (copy: Copy) => [copy.fencing.UnfenceableError, new copy.fencing.UnfenceableError('x')] as const,
    ],
  ])('know a %s of each other', (_name, of) => {
    const [type] = of(one);
    const [, error] = of(other);
    expect(error).toBeInstanceOf(type);
    expect(error).toBeInstanceOf(one.LeaderElectionError);
    expect(new Error('NOT_LEADER')).not.toBeInstanceOf(type);
    class Subclass extends (type as unknown as typeof Error) {}
    expect(error).not.toBeInstanceOf(Subclass);
    expect(Object.create(Subclass.prototype)).toBeInstanceOf(Subclass);
  });

  it('tell the kinds of errors apart', () => {
    expect(new other.NotLeaderError('x')).not.toBeInstanceOf(one.ElectionStoppedError);
    expect(new one.LeaseStoreError('STORE_FAILED', 'x')).not.toBeInstanceOf(one.NotLeaderError);
  });
});
