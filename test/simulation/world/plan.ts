import type { ElectionOptions } from '../../../lib/election/options.js';
import type { ClientPlan } from './lease-client.js';
import type { ClockPlan } from './machine.js';
import type { NetworkPlan } from './network.js';
import type { WatchPlan } from './watch-feed.js';

/** One thing done to the world at one moment: what a shrinker takes away first. */
export interface Disturbance {
  /** True time, milliseconds. */
  at: number;
  kind: DisturbanceKind;
  /** Index of the machine; -1 where it strikes all or the service. */
  node: number;
  /** How long it lasts, milliseconds. */
  lasts: number;
  /** Kind-specific amount or variant. */
  size: number;
}

export type DisturbanceKind =
  | 'pause'
  | 'suspend'
  | 'crash'
  | 'exit'
  | 'restart'
  | 'step-down'
  | 'partition'
  | 'outage'
  | 'server-stall'
  | 'slow'
  | 'forbidden'
  | 'wall-step'
  | 'wall-freeze'
  | 'delete'
  | 'edit-duration'
  | 'annotate'
  | 'steal'
  | 'blank'
  | 'forge'
  | 'restore'
  | 'strip-marks'
  | 'refuse-writes'
  | 'bad-server'
  | 'brief-watches'
  | 'credentials'
  | 'retry-after'
  | 'refuse-ledger'
  | 'wrong-time';

export interface NodePlan {
  kind: 'ours' | 'client-go';
  clocks: ClockPlan;
  startAt: number;
  options: Partial<Omit<ElectionOptions, 'store' | 'leaseName'>>;
}

export interface WorkPlan {
  /** Mean milliseconds between two pieces of work that a replica offers its gate; 0: none. */
  every: number;
  /** Longest duration of one piece. */
  lasts: number;
  /** Chance that a piece of work ignores its signal, throws, or calls stepDown() itself. */
  deaf: number;
  throws: number;
  stepsDown: number;
}

/** When the clocks of a job's zone change, in milliseconds since the history began, and by how much. */
export interface ZonePlan {
  aheadAt: number;
  backAt: number;
  shift: number;
  /** Whether the expression means a fixed hour. */
  fixed: boolean;
}

/** A job with ticks. */
export interface JobPlan {
  name: string;
  /** Milliseconds from one tick to the next, and of the first after the epoch. */
  every: number;
  phase: number;
  /** `null`: one without a change of the clock. */
  zone: ZonePlan | null;
  attempts: number;
  catchUp: boolean | number;
  /** Longest duration of a run. */
  lasts: number;
  /** Chance that a run ignores its signal, rejects, never ends, or kills its process. */
  deaf: number;
  throws: number;
  hangs: number;
  kills: number;
  /** Replicas that do not have it, or have it under another expression. */
  lackedBy: number;
  changedBy: number;
}

/** Everything that is decided before a history begins. The seed draws it; a shrinker and a scenario may change it. */
export interface Plan {
  seed: number;
  profile: string;
  /** When all faults end, and when the history does. */
  healAt: number;
  endAt: number;
  client: ClientPlan;
  network: NetworkPlan;
  watch: WatchPlan;
  nodes: NodePlan[];
  work: WorkPlan;
  jobs: JobPlan[];
  disturbances: Disturbance[];
  /** Whether to sum up the time without a leader. */
  measure?: boolean;
  /** Mean milliseconds between questions to every `isLeader()`; 0: only when a term begins. Asking may cure a bug, so some seeds hardly ask. */
  askEvery: number;
  ending: 'stop' | 'silent-stop' | 'crash' | 'forged-crash' | 'step-down' | 'none';
}
