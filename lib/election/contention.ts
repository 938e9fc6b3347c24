import { LeaderElectionError, LeaseStoreError } from './errors.js';
import type { Attempt, CandidacySetup, Lease } from './lease.js';
import { claimed } from './records.js';
import type { Standby } from './standby.js';
import type { Snapshot, StoredLease } from './lease-store.js';
import { fencingToken } from './term.js';

/** A claim that stands: the lease is ours, written by `attempt`, with the term's fencing token. */
export interface WonClaim {
  readonly attempt: Attempt;
  readonly id: string;
  readonly lease: StoredLease;
  readonly token: bigint;
}

/** How a claim ended. `adrift`: its write is, or may yet come to be, in the lease, but no term begins. */
export type ClaimResult = WonClaim | 'lost' | { readonly adrift: Attempt };

/** What a standby does when its plan says so: look, or claim the lease. */
export class Contention {
  /** What our last claim was conditional on when it met a conflict. */
  private refused: Snapshot | null = null;

  constructor(
    private readonly setup: CandidacySetup,
    private readonly lease: Lease,
    private readonly standby: Standby,
  ) {}

  async look(): Promise<void> {
    const owed = this.lease.watchOwesNews;
    const answer = await this.lease.read();
    const now = this.setup.clock.now();
    if (typeof answer === 'object') {
      if (!answer.interrupted) {
        this.standby.failed(now, answer.retryAfter);
      }
    } else if (answer === 'same' && this.refused?.token === this.lease.latest!.token) {
      // The store refuses writes that are conditional on what it shows: no race was lost, and none can be won.
      this.standby.failed(now, 0);
    } else if (answer === 'old') {
      this.setup.trouble.failed(
        new LeaseStoreError('STORE_WENT_BACK', 'The lease store shows an older state than before.', {
          advice:
            'If it was restored from a backup, raise fencingEpoch on all replicas: its tokens have gone back as well.',
        }),
      );
      this.standby.failed(now, 0);
    } else if (answer === 'news' && owed) {
      // A read had to find out what the watch did not tell: it is silently dead.
      this.lease.reopenWatch();
    }
  }

  async claim(): Promise<ClaimResult> {
    const { clock, chance, timings } = this.setup;
    const before = this.lease.latest!.lease?.record ?? this.lease.vacancy.lastHeld;
    const id = chance.uuid();
    const attempt = this.lease.attempt((writeId) =>
      claimed(this.lease.rules, before, { term: id, writeId }, clock.wall()),
    );
    const outcome = await this.lease.write(attempt);
    const now = clock.now();
    switch (outcome.kind) {
      case 'applied': {
        this.standby.raceWon();
        const { lease, token } = outcome.snapshot;
        if (token <= attempt.seen.token) {
          // Two terms under one token would fence nobody. The next write will fare no better: not in a tight loop.
          this.setup.trouble.failed(
            new LeaseStoreError('STORE_BAD_DATA', `The lease store wrote, and its token stayed at ${token}.`),
          );
          this.standby.failed(now, 0);
          return { adrift: attempt };
        }
        const isNewest = this.lease.latest!.lease?.version === lease!.version;
        return isNewest ? this.withToken({ attempt, id, lease: lease! }, token) : { adrift: attempt };
      }
      case 'conflict':
        this.standby.raceLost();
        if (!this.lease.hasMovedOn(attempt)) {
          this.refused = attempt.seen;
          this.standby.awaitWinner(now, this.lease.watchIsLive);
        }
        return 'lost';
      case 'rejected':
        this.standby.failed(now, outcome.retryAfter ?? 0);
        return 'lost';
      case 'unknown':
        this.standby.lookAgain(now);
        this.standby.holdOff(Math.max(now, attempt.sent.mono + timings.retryPeriod));
        return { adrift: attempt };
    }
  }

  private withToken(won: Omit<WonClaim, 'token'>, storeToken: bigint): ClaimResult {
    const token = fencingToken(this.setup.fencingEpoch, storeToken);
    if (token !== null) {
      return { ...won, token };
    }
    this.setup.trouble.failed(
      new LeaderElectionError(
        'TOKEN_OVERFLOW',
        `The store's token ${storeToken} is 2^56 or more: no term can begin.`,
        'Move the lease to a new store and raise fencingEpoch by one.',
      ),
    );
    this.standby.holdOff(this.setup.clock.now() + this.setup.timings.leaseDuration);
    return { adrift: won.attempt };
  }
}
