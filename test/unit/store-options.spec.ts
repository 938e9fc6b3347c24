import { fileLease, kubernetesLease, memoryLease } from 'nestjs-leader';
import { postgresLease } from 'nestjs-leader/postgres';
import { describe, expect, it } from 'vitest';

/** A kubeconfig that is never read: names are checked before any request. */
const store = () => kubernetesLease({ kubeConfig: '/nowhere' });
const asTyped = (options: object) => options as never;

describe('the options of a store', () => {
  it.each([
    ['kubernetesLease', () => kubernetesLease(asTyped({ kubeconfig: '/x' })), 'Write kubeConfig for "kubeconfig".'],
    ['fileLease', () => fileLease(asTyped({ dirctory: '/x' })), 'Write directory for "dirctory".'],
    ['memoryLease', () => memoryLease(asTyped({ clocks: null })), 'Write clock for "clocks".'],
    ['postgresLease', () => postgresLease(asTyped({ client: {}, tabel: 'x' })), 'Write table for "tabel".'],
  ])('of %s are refused with a typo, and the right name is said', (_name, make, advice) => {
    expect(make).toThrow(advice);
  });
});

describe('the values of kubernetesLease', () => {
  it.each([
    [{ detectCrash: 'true' }, 'detectCrash is "true"'],
    [{ detectCrash: { grace: 0 } }, 'kubernetesLease({ detectCrash: true })'],
    [{ labelLeaderPod: 1 }, 'labelLeaderPod is 1'],
    [{ events: 'no' }, 'events is "no"'],
    [{ detectCrash: true, crashGrace: '1s' }, 'crashGrace is "1s"'],
    [{ crashGrace: -1 }, 'crashGrace: 500'],
  ])('are refused where they are of the wrong kind: %j', (options, message) => {
    expect(() => kubernetesLease(asTyped(options))).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
    expect(() => kubernetesLease(asTyped(options))).toThrow(message);
  });
});

describe('a name that the Kubernetes API would refuse', () => {
  it.each([
    ['Orders_Worker', "Write leaseName: 'orders-worker'."],
    ['orders/eu', "Write leaseName: 'orders-eu'."],
    ['-orders', "Write leaseName: 'orders'."],
    ['orders..eu', "Write leaseName: 'orders-eu'."],
    ['ордера', "Write leaseName: 'orders'."],
    ['o'.repeat(254), 'at most 253'],
    ['orders\nforged line', String.raw`"orders\nforged line"`],
  ])('is refused at start, with one that it takes: %j', (name, message) => {
    expect(() => store().open({ name })).toThrow(message);
    expect(() => store().open({ name })).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
  });

  it('is refused as a namespace too, which has no dots', () => {
    expect(() => store().open({ name: 'orders', namespace: 'team.eu' })).toThrow("Write namespace: 'team-eu'.");
    expect(() => store().open({ name: 'orders.eu', namespace: 'team-eu' })).not.toThrow();
  });
});
