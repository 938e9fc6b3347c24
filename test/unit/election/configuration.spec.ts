import { describe, expect, it } from 'vitest';
import { fileLease, LeaderElector, memoryLease, type ElectionOptions, type LeaseStore } from 'nestjs-leader';

const coarse = (): LeaseStore => ({ resolution: 1000, open: (lease) => memoryLease().open(lease) });
const asTyped = (options: object) => options as Partial<Record<keyof ElectionOptions, unknown>>;
const elector = (options: Partial<Record<keyof ElectionOptions, unknown>>) =>
  new LeaderElector({ options: { leaseName: 'orders', store: memoryLease(), ...options } as ElectionOptions });
const refusal = (options: Partial<Record<keyof ElectionOptions, unknown>>) => {
  try {
    elector(options);
  } catch (error) {
    return error as Error & { code: string; advice: string };
  }
  return expect.unreachable('accepted') as never;
};

describe('the durations of an election', () => {
  it('derive from the lease duration', () => {
    expect(elector({}).timings).toMatchObject({
      leaseDuration: 15_000,
      renewDeadline: 12_000,
      renewInterval: 3_000,
      retryPeriod: 2_000,
      requestTimeout: 2_000,
      drainTimeout: 20_000,
      takeoverGrace: 2_500,
    });
    expect(elector({ leaseDuration: 60_000 }).timings).toMatchObject({ renewDeadline: 48_000, renewInterval: 12_000 });
  });

  it('keep a whole second of margin, and of renew interval, where the store counts seconds', () => {
    expect(elector({ leaseDuration: 3_000, store: coarse() }).timings).toMatchObject({
      renewDeadline: 2_000,
      renewInterval: 1_000,
    });
  });

  const broken: [string, Partial<Record<keyof ElectionOptions, unknown>>, RegExp][] = [
    [
      'leaseDuration not above renewDeadline',
      { renewDeadline: 15_000 },
      /leaseDuration \(15000\) must be greater than renewDeadline \(15000\)/,
    ],
    [
      'renewDeadline not above 1.2 × retryPeriod',
      { retryPeriod: 10_000 },
      /renewDeadline \(12000\) must be greater than 1.2 × retryPeriod/,
    ],
    ['a margin below a tenth', { renewDeadline: 13_600 }, /must be at least 1500: it is the margin/],
    [
      'a margin below a second on the wire',
      { leaseDuration: 5_000, renewDeadline: 4_400, store: coarse() },
      /must be at least 1000: it is the margin/,
    ],
    [
      '10.9 s of lease with a deadline of 10.5 s',
      { leaseDuration: 10_900, renewDeadline: 10_500, store: coarse() },
      /margin/,
    ],
    [
      'a renewInterval finer than the wire',
      { renewInterval: 500, store: coarse() },
      /renewInterval \(500\) must be at least 1000/,
    ],
    [
      'a lease of a second where the wire counts seconds',
      { leaseDuration: 1000, store: coarse() },
      /leaseDuration − renewDeadline \(999\) must be at least 1000/,
    ],
    ['no room for a lost request', { renewInterval: 10_000 }, /else one lost request ends the term/],
    [
      'a lease shorter than any event loop is regular',
      { leaseDuration: 99 },
      /leaseDuration \(99\) must be at least 100/,
    ],
    ['zero', { retryPeriod: 0 }, /retryPeriod is 0 but must be a whole number of milliseconds from 1/],
    ['a negative drainTimeout', { drainTimeout: -1 }, /drainTimeout is -1 but must be .* from 0/],
    ['a fraction', { leaseDuration: 1_500.5 }, /leaseDuration is 1500.5/],
    ['NaN', { requestTimeout: Number.NaN }, /requestTimeout is NaN/],
    ['Infinity', { leaseDuration: Number.POSITIVE_INFINITY }, /leaseDuration is Infinity/],
    ['more than a timer can wait', { leaseDuration: 2 ** 31 }, /leaseDuration is 2147483648/],
    ['a string', { leaseDuration: '15s' }, /leaseDuration is "15s" but .*: write leaseDuration: 15000\.$/],
    [
      'a variable',
      { renewInterval: '3000' },
      /renewInterval is "3000" but .*: write renewInterval: 3000, or Number\(\)/,
    ],
    [
      'a variable that is not set',
      { leaseDuration: Number(undefined) },
      /leaseDuration is NaN .* that is not set is NaN\.$/,
    ],
    ['null', { takeoverGrace: Number('x') }, /takeoverGrace is NaN/],
  ];
  for (const [what, options, message] of broken) {
    it(`are refused with ${what}`, () => {
      expect(refusal(options)).toMatchObject({ code: 'INVALID_CONFIG', message: expect.stringMatching(message) });
    });
  }

  it('are refused with every rule that they break, not only the first', () => {
    const { message } = refusal({ renewDeadline: 15_000, retryPeriod: 14_000 });
    expect(message).toMatch(/orders/);
    expect(message.match(/must be/g)).toHaveLength(3);
  });

  it('are advised on by what was given: a leaseDuration alone has nothing beside it to leave out', () => {
    expect(refusal({ leaseDuration: 1000, store: coarse() }).advice).toMatch(
      /^Leave leaseDuration out, or make it longer/,
    );
    expect(refusal({ retryPeriod: 14_000 }).advice).toMatch(/^Leave out everything but leaseDuration/);
  });

  const stores: LeaseStore[] = [memoryLease(), coarse()];
  for (const store of stores) {
    it(`that look like seconds are told so${store.resolution ? ' where the wire counts seconds' : ''}`, () => {
      expect(refusal({ leaseDuration: 15, store }).advice).toMatch(/leaseDuration: 15 looks like seconds.*15000/);
      expect(refusal({ leaseDuration: 15, renewDeadline: 10, retryPeriod: 2, store }).advice).toMatch(/seconds/);
    });
  }
});

describe('the other options of an election', () => {
  const broken: [string, Partial<Record<keyof ElectionOptions, unknown>>, RegExp][] = [
    ['an empty lease name', { leaseName: ' ' }, /leaseName is " " but must be a non-empty string/],
    ['no lease name', { leaseName: undefined }, /leaseName is undefined .* set the variable of the environment/],
    ['no store', { store: undefined }, /store is undefined but must be a LeaseStore: write store: kubernetesLease\(\)/],
    ['something that is no store', { store: { read() {} } }, /store is an object but must be a LeaseStore/],
    [
      'a store that was not called',
      { store: fileLease },
      /store is the function fileLease .* write store: fileLease\(\)/,
    ],
    ['a store that is still to come', { store: Promise.resolve(memoryLease()) }, /write store: await theStore/],
    ['a store by its name', { store: 'kubernetes' }, /store is "kubernetes" but .* kubernetesLease\(\)/],
    ['a flag of the environment', { candidate: 'false' }, /candidate is "false" but .*: write candidate: false/],
    ['an epoch of the environment', { fencingEpoch: '1' }, /fencingEpoch is "1" but .*: write fencingEpoch: 1\.$/],
    ['a typo', asTyped({ leaseDurration: 15_000 }), /no option "leaseDurration"\. Write leaseDuration for/],
    ['other separators', asTyped({ renew_deadline: 12_000 }), /Write renewDeadline for "renew_deadline"/],
    [
      'something from elsewhere',
      asTyped({ logger: console }),
      /no option "logger"\. Leave "logger" out\. There are lease/,
    ],
    ['an empty identity', { identity: '' }, /identity/],
    ['an empty namespace', { namespace: '' }, /namespace/],
    ['a fencingEpoch of 128', { fencingEpoch: 128 }, /fencingEpoch is 128 but must be a whole number from 0 to 127/],
    ['a fencingEpoch of 1.5', { fencingEpoch: 1.5 }, /fencingEpoch/],
    ['a candidate that is no boolean', { candidate: 'no' }, /candidate is "no" but must be a boolean/],
    ['a releaseOnShutdown that is no boolean', { releaseOnShutdown: 0 }, /releaseOnShutdown is 0/],
  ];
  for (const [what, options, message] of broken) {
    it(`are refused with ${what}`, () => {
      expect(refusal(options)).toMatchObject({ code: 'INVALID_CONFIG', message: expect.stringMatching(message) });
    });
  }

  it('that somebody spelled out as undefined are as if they were not there', () => {
    expect(elector(asTyped({ candidate: undefined, leaseDurration: undefined })).timings.leaseDuration).toBe(15_000);
  });

  it('are told with the advice in the message, as test runners print nothing else', () => {
    const { message, advice } = refusal({ leaseDuration: 15 });
    expect(message.endsWith(advice)).toBe(true);
  });

  it('are told once for each cause: nothing that derives from a wrong value is a line of its own', () => {
    expect(refusal({ leaseDuration: '15s' }).message.match(/must be/g)).toHaveLength(1);
    expect(refusal({ leaseDuration: 15 }).message.match(/must be/g)).toHaveLength(1);
  });

  it('are refused when there are none at all', () => {
    expect(() => new LeaderElector({ options: undefined as never })).toThrow(/leaseName/);
  });

  it('give two electors of one identity two identities', () => {
    const [one, other] = [elector({ identity: 'pod' }), elector({ identity: 'pod' })];
    expect(one.identity).toMatch(/^pod_.+/);
    expect(one.identity).not.toBe(other.identity);
  });

  it('touch no store before start()', () => {
    const store: LeaseStore = {
      open: () => ({
        read: () => expect.unreachable('read'),
        replace: () => expect.unreachable('written'),
      }),
    };
    expect(elector({ store }).isLeader()).toBe(false);
  });
});
