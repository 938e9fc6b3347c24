import { describe, expect, it } from 'vitest';
import { memoryLease, type LeaseHandle, type LeaseStore } from 'nestjs-leader';
import { storeContractCases } from 'nestjs-leader/testing';

/** Rules of the contract that a store breaks when each of its handles is spoilt by `spoil`. */
async function brokenRules(spoil: (handle: LeaseHandle, writeBlindly: LeaseHandle['replace']) => Partial<LeaseHandle>) {
  const store = memoryLease();
  const spoilt = (client: LeaseStore): LeaseStore => ({
    open(lease) {
      const sound = client.open(lease);
      const handle: LeaseHandle = {
        read: sound.read.bind(sound),
        replace: sound.replace.bind(sound),
        watch: sound.watch!.bind(sound),
        isHolderGone: sound.isHolderGone!.bind(sound),
      };
      const blindly: LeaseHandle['replace'] = async (_seen, record) => ({
        kind: 'applied',
        snapshot: store.edit(lease, record),
      });
      return { ...handle, ...spoil(handle, blindly) };
    },
  });
  const broken: string[] = [];
  for (const { name, run } of storeContractCases({
    connect: () => spoilt(store.connect()),
    deleteLease: async (lease) => void store.delete(lease),
    touchLease: async (lease) => void store.touch(lease),
    patience: 100,
  }))
    await run().catch(() => broken.push(name));

  return broken.join('\n');
}

describe('the store contract catches a store', { timeout: 60_000 }, () => {
  it('only when something is wrong with it', async () => {
    expect(await brokenRules(() => ({}))).toBe('');
  });

  it('that writes without comparing', async () => {
    const broken = await brokenRules((_handle, replace) => ({ replace }));
    expect(broken).toContain('exactly one is applied');
    expect(broken).toContain('refuses a write on a state that has passed');
    expect(broken).toContain('no update is lost');
  });

  it('that has one token, or one uid, forever', async () => {
    const sameToken = await brokenRules((handle) => ({
      read: async (signal) => {
        const seen = await handle.read(signal);
        return { ...seen, token: 7n };
      },
    }));
    expect(sameToken).toContain('answers with what every client reads');
    const sameUid = await brokenRules((handle) => ({
      read: async (signal) => {
        const seen = await handle.read(signal);
        return seen.lease ? { ...seen, lease: { ...seen.lease, uid: 'one' } } : seen;
      },
      replace: async (seen, record, signal) => {
        const now = await handle.read(signal);
        const outcome = await handle.replace(seen.lease?.version === now.lease?.version ? now : seen, record, signal);
        if (outcome.kind !== 'applied') return outcome;
        return {
          ...outcome,
          snapshot: { ...outcome.snapshot, lease: { ...outcome.snapshot.lease!, uid: 'one' } },
        };
      },
    }));
    expect(sameUid).toContain('other uid');
  });

  it('that forgets the mark of a release, or rounds a duration', async () => {
    const broken = await brokenRules((handle) => ({
      replace: (seen, record, signal) =>
        handle.replace(seen, { ...record, term: record.holder && record.term, duration: 15_000 }, signal),
    }));
    expect(broken).toContain('keeps a release');
    expect(broken).toContain('keeps a duration down to the resolution');
    expect(broken).not.toContain('keeps microseconds');
  });

  it('that rejects instead of answering', async () => {
    const broken = await brokenRules((handle) => ({
      replace: async (seen, record, signal) => {
        signal.throwIfAborted();
        return handle.replace(seen, record, signal);
      },
    }));
    expect(broken).toContain('an aborted signal: read rejects, replace answers');
  });

  it('whose watch starts with the next change, or never lets go', async () => {
    const lateStart = await brokenRules((handle) => ({
      async *watch(signal) {
        let first = true;
        for await (const seen of handle.watch!(signal)) {
          if (!first) yield seen;
          first = false;
        }
      },
    }));
    expect(lateStart).toContain('watch: shows the current state first');
    const deaf = await brokenRules((handle) => ({
      watch: () => handle.watch!(new AbortController().signal),
    }));
    expect(deaf).toContain('watch: abort settles a pending next()');
  });

  it('that takes the living for dead', async () => {
    expect(await brokenRules(() => ({ isHolderGone: async () => true }))).toContain('a holder that lives');
  });
});
