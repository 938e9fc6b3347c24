import type { LeaseRecord } from '../../../lib/election/lease-record.js';
import type { Snapshot, StoredLease } from '../../../lib/election/lease-store.js';
import type { Contender } from './contender.js';
import type { Fault } from './faults.js';
import { toRecord, toSnapshot } from './lease-client.js';
import type { Network } from './network.js';
import type { Random } from './random.js';
import { Mark } from './timeline.js';

/** What it says; each has a way to tell it from the true state that it replaces. */
export const FORGERIES = [
  'forged release',
  'forged release as client-go’s',
  'forged holder',
  'forged return of its own record',
  'forged uid',
  'forged absence',
  'forged confirmation',
  'forged sign of life',
  'forged sign of life, replayed',
] as const satisfies readonly Fault[];
export type Forgery = (typeof FORGERIES)[number];

/**
 * Somebody who may speak on the channel that watches listen to, and nothing else (on Postgres: any role that may connect). It hears what
 * everybody hears, so it knows the true version, holder, term and write, and says something else under that version or a higher token.
 */
export class Forger {
  /** What it has heard last that named a holder. */
  private heard: StoredLease | null = null;

  constructor(
    private readonly network: Network,
    private readonly contenders: readonly Contender[],
    private readonly luck: Random,
  ) {}

  /** Speaks to the watches of one node, or of all (-1). */
  say(forgery: Forgery, to: number): void {
    const { network } = this;
    const { world } = network;
    const truth = toSnapshot(network.service.current);
    if (truth.lease?.record.holder != null) this.heard = truth.lease;
    const token = this.pretend(truth.token);
    for (const feed of network.feeds) {
      if (to >= 0 && feed.node !== to) continue;
      const lease = this.forge(forgery, feed.node);
      if (lease === undefined) continue;
      world.count(forgery);
      world.mark(Mark.Forged, feed.node, 0, world.timeline ? `${forgery}, token ${token}` : undefined);
      feed.forge({ lease, token });
    }
  }

  private pretend(token: bigint): bigint {
    return this.luck.pick([token, token + 1n, token + 1n, 2n ** 60n]);
  }

  /** `undefined`: it knows too little to say so. */
  private forge(forgery: Forgery, node: number): Snapshot['lease'] | undefined {
    const { heard } = this;
    if (forgery === 'forged absence') return null;
    if (heard === null) return undefined;
    // A claim on the strength of it is conditional on the version, so it gives the true one; or one that no watch has shown before.
    const version = this.luck.chance(0.7) ? heard.version : `${heard.version}0`;
    const record = this.record(forgery, heard.record, node);
    if (record === null) return undefined;
    return { record, version, uid: forgery === 'forged uid' ? `${heard.uid}0` : heard.uid };
  }

  private record(forgery: Exclude<Forgery, 'forged absence'>, true_: LeaseRecord, node: number): LeaseRecord | null {
    const at = (true_.renewedAt ?? 0) + 1000;
    const writeId = `${this.luck.below(0x40000000)}-forged`;
    const release = { ...true_, holder: null, duration: 1000, acquiredAt: at, renewedAt: at };
    const claim = {
      ...true_,
      acquiredAt: at,
      renewedAt: at,
      transitions: true_.transitions + 1,
      term: writeId,
      writeId,
    };
    switch (forgery) {
      case 'forged release':
        return { ...release, writeId };
      case 'forged release as client-go’s':
        return { ...release, term: null, writeId: null };
      case 'forged holder':
        return { ...claim, holder: 'forger' };
      case 'forged return of its own record':
        return { ...claim, holder: this.contenders[node]?.process?.identity ?? 'forger' };
      case 'forged uid':
        return true_;
      case 'forged confirmation': {
        const attempt = this.network.attempts[node];
        return attempt === undefined ? null : toRecord(attempt);
      }
      case 'forged sign of life':
        return { ...true_, renewedAt: at, writeId };
      case 'forged sign of life, replayed':
        return true_;
    }
  }
}
