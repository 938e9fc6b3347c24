import type { Bell } from '../bell.js';
import { FaultScript } from './faults.js';

/** What a test has done to one client of the memory store. */
export class Connection {
  readonly script = new FaultScript();
  /** Holders that `isHolderGone` takes for dead. */
  readonly gone = new Set<string>();
  /** Open watches, by the bell that wakes each. */
  readonly watches = new Set<{ readonly bell: Bell; cut: boolean }>();
  muted = false;
}
