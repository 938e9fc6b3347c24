import { channel } from 'node:diagnostics_channel';
import type { LossReason, TickOutcome } from '../election/index.js';

/** Which election of which application a message is about. */
export interface ElectionSubject {
  readonly election: string;
  readonly leaseName: string;
  /** Unique to the application: two in one process publish on the same channels. */
  readonly identity: string;
}

/** A term of this replica has begun. */
export interface TermBegan extends ElectionSubject {
  readonly fencingToken: bigint;
}

/** A term of this replica is over; if it was given up, its work is only now being drained. */
export interface TermEnded extends TermBegan {
  readonly reason: LossReason;
}

/** The work of a term that was given up has been drained, and the lease is about to be released. */
export interface TermDrained extends TermBegan {
  /** Milliseconds since the term ended. */
  readonly duration: number;
}

/** The store has answered, or has not. */
export interface StoreRequest extends ElectionSubject {
  readonly operation: 'read' | 'acquire' | 'renew' | 'release';
  readonly outcome: 'succeeded' | 'conflict' | 'rejected' | 'unknown' | 'failed';
  /** Milliseconds. */
  readonly duration: number;
  /** Whether this replica led when the request was sent. */
  readonly leading: boolean;
}

/** The process that holds the lease was proven to be dead: what is left of its lease is not waited out. */
export type HolderDied = ElectionSubject;

/** A gated method was called. */
export interface GatedCall extends ElectionSubject {
  /** `Class.method`. */
  readonly handler: string;
  readonly outcome: 'admitted' | 'skipped' | 'refused';
}

/** What became of a tick of a job. */
export interface JobTick extends ElectionSubject {
  readonly job: string;
  readonly scheduledAt: Date;
  readonly outcome: TickOutcome;
  /** Of `started`: milliseconds from the instant of the tick to its start. */
  readonly lateness?: number;
  /** Of `done`, `failed` and `cut-short`: milliseconds from its start. */
  readonly duration?: number;
}

/** Names of the `node:diagnostics_channel` channels on which elections tell what they do. Part of the public interface. */
export const CHANNELS = {
  termBegan: 'nestjs-leader:term.began',
  termEnded: 'nestjs-leader:term.ended',
  termDrained: 'nestjs-leader:term.drained',
  request: 'nestjs-leader:store.request',
  holderDied: 'nestjs-leader:holder.died',
  call: 'nestjs-leader:call',
  tick: 'nestjs-leader:tick',
} as const;

/** What each of {@link CHANNELS} carries. */
export interface ChannelMessages {
  termBegan: TermBegan;
  termEnded: TermEnded;
  termDrained: TermDrained;
  request: StoreRequest;
  holderDied: HolderDied;
  call: GatedCall;
  tick: JobTick;
}

const channels = Object.fromEntries(Object.entries(CHANNELS).map(([key, name]) => [key, channel(name)])) as Record<
  keyof ChannelMessages,
  ReturnType<typeof channel>
>;

/** `message` is made only if somebody listens: gated calls are hot. */
export function publish<Key extends keyof ChannelMessages>(key: Key, message: () => ChannelMessages[Key]): void {
  const target = channels[key];
  if (target.hasSubscribers) target.publish(message());
}
