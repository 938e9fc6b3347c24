/** What can be told of a history. Numbers, because they go into the fingerprint; the names are for people. */
export enum Mark {
  Start = 1,
  Crash,
  Pause,
  Suspend,
  Resume,
  WallStep,
  WallFreeze,
  Stop,
  StepDown,
  Send,
  Serve,
  Answer,
  GiveUp,
  Lost,
  Late,
  Duplicate,
  Partition,
  Heal,
  Stall,
  Outage,
  Slow,
  Watch,
  WatchEvent,
  WatchFault,
  Admin,
  Leads,
  Ends,
  Leader,
  Work,
  Register,
  Log,
  Rival,
  Forged,
  Violation,
}

interface Entry {
  time: number;
  mark: Mark;
  node: number;
  value: number;
  subject: unknown;
}

/** A readable account of one history, all replicas in one column of time. */
export class Timeline {
  private readonly entries: Entry[] = [];

  add(time: number, mark: Mark, node: number, value: number, subject: unknown): void {
    // The subject may change later (the lease does), so it is rendered now; only a replay pays for it.
    this.entries.push({ time, mark, node, value, subject: subject === undefined ? '' : render(subject) });
  }

  /** The last `seconds` before `until`, one line per event. Node -1 is the world, nodes have letters. */
  print(until: number, seconds: number): string {
    return this.entries
      .filter((e) => e.time >= until - seconds * 1000 && e.time <= until)
      .map((e) => {
        const who = e.node < 0 ? 'world' : `${'  '.repeat(e.node)}${letter(e.node)}`;
        const value = e.value === 0 ? '' : ` ${Number.isInteger(e.value) ? e.value : e.value.toFixed(3)}`;
        return `${(e.time / 1000).toFixed(3).padStart(9)} s  ${who.padEnd(9)} ${Mark[e.mark].toLowerCase()}${value} ${e.subject as string}`;
      })
      .join('\n');
  }
}

export function letter(node: number): string {
  return node < 26 ? String.fromCharCode(65 + node) : `N${node}`;
}

function render(subject: unknown): string {
  if (typeof subject === 'string') return subject;
  return JSON.stringify(subject, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)) ?? '';
}
