import type { LeadershipTerm, LossReason } from '../leadership-term.js';
import type { LeaderValidity } from '../rules/leader-validity.js';

/** Tokens of the store take the low bits, the epoch the high ones: together below 2^63, the largest signed 64-bit column. */
const STORE_BITS = 56n;

/** @returns null when the store's token does not fit: leading with a token that may be lower than an earlier one is refused. */
export function fencingToken(epoch: number, storeToken: bigint): bigint | null {
  return storeToken >= 0n && storeToken < 1n << STORE_BITS ? (BigInt(epoch) << STORE_BITS) + storeToken : null;
}

export class Term implements LeadershipTerm {
  private readonly controller = new AbortController();

  constructor(
    readonly fencingToken: bigint,
    readonly startedAt: Date,
    readonly validity: LeaderValidity,
  ) {}

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  isValid(): boolean {
    return this.validity.isValid();
  }

  remaining(): number {
    return this.validity.remaining();
  }

  abort(reason: LossReason): void {
    this.controller.abort(reason);
  }

  toJSON(): { fencingToken: string; startedAt: string; remaining: number } {
    return {
      fencingToken: this.fencingToken.toString(),
      startedAt: this.startedAt.toISOString(),
      remaining: Math.round(this.remaining()),
    };
  }
}
