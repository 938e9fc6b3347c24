import type { LossReason } from '../leadership-term.js';
import type { ElectionLog } from './election-log.js';
import { quoted } from './quoted.js';

/** What people read of an election: a line for each change of leadership, none for a renewal. */
export class LeadershipLog {
  constructor(
    private readonly election: string,
    private readonly lines: ElectionLog,
  ) {}

  leads(token: bigint): void {
    this.lines.log(`${this.election}: this replica leads, fencing token ${token}.`);
  }

  leadsNoMore(reason: LossReason, token: bigint): void {
    this.lines.log(`${this.election}: this replica leads no more (${reason}), fencing token was ${token}.`);
  }

  /** A healthy standby that never says a word looks like an election that does not work. */
  standsBy(leader: string): void {
    this.lines.log(`${this.election}: this replica stands by, ${quoted(leader)} leads.`);
  }

  stalled(milliseconds: number, stillLeads: boolean): void {
    const outcome = stillLeads ? 'it still leads' : 'its term expired meanwhile';
    this.lines.warn(
      `${this.election}: this process stood still for ${Math.round(milliseconds)} ms or more (synchronous work, no CPU, paused); ${outcome}.`,
    );
  }

  survivedExit(): void {
    this.lines.error(
      `${this.election}: this process lives on although it has exited: an exit listener threw, or process.exit() was caught. Its lease was let go; it stands by again once its work has ended. Restart it.`,
    );
  }

  heldBack(calls: number, drainTimeout: number): void {
    this.lines.error(
      `${this.election}: ${calls} calls still run after ${drainTimeout} ms. The lease is left to expire and this replica stays out until they end.`,
    );
  }
}
