import type { ElectionStatus } from '../../../lib/election/report/status.js';
import type { Machine } from './machine.js';
import type { Process } from './process.js';

/** Whatever stands for the lease in a history: our replicas and client-go's. */
export interface Contender {
  readonly ours: boolean;
  readonly index: number;
  readonly machine: Machine;
  readonly process: Process | null;
  start(): void;
  crash(): void;
  /** Ends itself, with a last word if it has one; `livesOn`: and does not end. */
  exitByItself?(livesOn: boolean): void;
  stop(): void;
  stepDown(): void;
  /** What it would answer at this instant; false while it does not run. */
  believes(): boolean;
  /** Leads, or has admitted work that may still act. */
  holds(): boolean;
  /** What it says that fails, if it can say so. */
  failures?(): ElectionStatus['failures'] | undefined;
}
