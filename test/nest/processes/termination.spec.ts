import { beforeEach, describe, expect, it } from 'vitest';
import { leaseDirectory, leaseIn, ReplicaProcess, type Behaviour } from './replica-process.js';

const isComplaint = (line: string) => /WARN|ERROR|\bat .+:\d+:\d+/.test(line);

describe('SIGTERM', { timeout: 120_000 }, () => {
  let directory: string;
  beforeEach(async () => {
    directory = await leaseDirectory();
  });
  // So long that not even a starved machine has anything to complain of; nothing here waits for a lease to end.
  const leaseDuration = 600_000;
  const start = (behaviour: Partial<Behaviour> = {}) => new ReplicaProcess({ directory, leaseDuration, ...behaviour });

  /** Whatever the first replica went through, the next one finds nothing in its way. */
  const expectAnUntroubledSuccessor = async () => {
    const successor = start();
    await successor.tells('acquired');
    expect(successor.log.filter(isComplaint)).toEqual([]);
    successor.terminate();
    await successor.exit;
  };

  it.each([
    ['while a provider is being initialised', { slowInit: 600_000 }, 'initialising'],
    ['before the application listens', { slowListen: 600_000 }, 'about to listen'],
  ])('%s: it never stands, and leaves no lease', async (_, behaviour, moment) => {
    const replica = start(behaviour);
    await replica.tells(moment);
    replica.terminate();
    expect(await replica.exit).toBe('SIGTERM');
    expect(replica.told.filter((line) => /acquired|work/.test(line))).toEqual([]);
    expect(await leaseIn(directory)).toBeUndefined();
    await expectAnUntroubledSuccessor();
  });

  it.each(['before', 'after'] as const)(
    'while a claim is under way, %s it has landed: it is awaited and given back, and begins no term',
    async (holdClaim) => {
      const replica = start({ holdClaim });
      await replica.tells('claim held up');
      replica.terminate();
      expect(await replica.exit).toBe('SIGTERM');
      expect(replica.told.filter((line) => /acquired|work/.test(line))).toEqual([]);
      expect(await leaseIn(directory)).toMatchObject({ holder: null });
      await expectAnUntroubledSuccessor();
    },
  );

  it.each([
    ['once', 1, {}],
    ['again and again during the drain', 3, {}],
    ['beside a close() of its own', 1, { closeOnSignal: true }],
  ])('%s: running work is let finish, then the next replica begins', async (_, times, behaviour) => {
    const replica = start({ slowDrain: 500, ...behaviour });
    await replica.tells('work begun');
    const standby = start();
    await standby.tells('listening');
    for (let time = 0; time < times; time += 1) {
      replica.terminate();
      await replica.tells('lost stopped');
    }
    expect(await replica.exit).toBe('SIGTERM');
    const [, , done, token] = await replica.tells('work done');
    const [, , begun, nextToken] = await standby.tells('work begun');
    expect(BigInt(begun!)).toBeGreaterThan(BigInt(done!));
    expect(BigInt(nextToken!)).toBeGreaterThan(BigInt(token!));
    for (const once of ['acquired', 'work begun', 'lost', 'work done'])
      expect(replica.told.filter((line) => line.startsWith(once))).toHaveLength(1);

    expect([...replica.log, ...standby.log].filter(isComplaint)).toEqual([]);
  });
});
