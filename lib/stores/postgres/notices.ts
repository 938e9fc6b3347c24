import type { ElectionLog } from '../../election/report/election-log.js';

/** What no outcome of a request can carry: said once, to every election of the store. */
export class Notices {
  private readonly logs = new Set<ElectionLog>();
  private readonly said = new Map<string, string>();

  hear(log: ElectionLog | undefined): void {
    if (log) this.logs.add(log);
  }

  /** `about`: what it is about; of a thing that was told before, in the same `version`, nothing more is said. */
  once(about: string, message: string, version = ''): void {
    if (this.said.get(about) === version) return;

    this.said.set(about, version);
    for (const log of this.logs) log.warn(message);
  }
}
