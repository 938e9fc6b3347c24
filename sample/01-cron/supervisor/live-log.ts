import type { Fleet, FleetEvent } from './fleet.js';
import type { Replica } from './replica.js';

/** What was last done to the leader: the next change of leader is timed from it. */
interface Cause {
  readonly what: string;
  readonly at: number;
}

const COLOURS = [36, 33, 35, 32, 34, 31];

/** One line for each thing that happens. */
export class LiveLog {
  private cause: Cause | null = null;
  private lastWork: { of: Replica; at: number } | null = null;
  /** From the monotonic clock of the events to the wall clock that people read. */
  private readonly wallOffset = Date.now() - Number(process.hrtime.bigint()) / 1e6;

  constructor(
    private readonly fleet: Fleet,
    private readonly out: NodeJS.WriteStream,
    private readonly colour = out.isTTY === true && !process.env.NO_COLOR,
  ) {
    fleet.events.subscribe((event) => this.show(event));
  }

  /** Notes what the user did to `replica`. */
  did(replica: Replica, what: string, at: number): void {
    this.cause = { what: `${replica.name} was ${what}`, at };
    this.line(replica, at, what, '');
  }

  note(text: string): void {
    this.out.write(`${this.paint(90, text)}\n`);
  }

  private show({ replica, event }: FleetEvent): void {
    switch (event.kind) {
      case 'started':
        return this.line(replica, event.at, 'started', `process ${event.pid}`);
      case 'ready':
        return this.line(replica, event.at, 'ready', `${ms(event.at - replica.startedAt)} after its start`);
      case 'leads':
        return this.line(replica, event.at, 'LEADS', this.how(replica, event.at), event.token);
      case 'no-longer-leads':
        return this.line(replica, event.at, 'no longer leads', '');
      case 'sees-leader':
        return this.line(replica, event.at, 'stands by', `${this.nameOf(event.leader)} leads`);
      case 'worked':
        this.lastWork = { of: replica, at: event.at };
        return this.line(replica, event.at, event.job, event.note ?? '', event.token);
      case 'abandoned':
        return this.line(replica, event.at, event.job, event.note, event.token);
      case 'answered':
        return this.line(replica, event.at, 'awake', `first question: isLeader() is ${event.isLeader}`);
      case 'printed':
        return this.note(`${replica.name} | ${event.line}`);
      case 'exited':
        return this.line(replica, event.at, 'ended', event.signal ?? `exit code ${event.code}`);
    }
  }

  private how(replica: Replica, at: number): string {
    const { cause, lastWork } = this;
    this.cause = null;
    if (!cause) return `${ms(at - replica.startedAt)} after its start`;
    const since = `${ms(at - cause.at)} after ${cause.what}`;
    // A leader that was asked to go finishes its work first; the handover proper begins there.
    const drained = lastWork && lastWork.of !== replica && lastWork.at > cause.at;
    return drained ? `${since}, ${ms(at - lastWork.at)} after the last work of ${lastWork.of.name}` : since;
  }

  private nameOf(identity: string): string {
    return this.fleet.byIdentity(identity)?.name ?? identity;
  }

  private line(replica: Replica, at: number, what: string, detail: string, token = ''): void {
    const time = new Date(at + this.wallOffset).toISOString().slice(11, 23);
    const name = this.paint(COLOURS[replica.name.charCodeAt(0) % COLOURS.length]!, replica.name.padEnd(2));
    const label = what === 'LEADS' ? this.paint(1, what.padEnd(16)) : what.padEnd(16);
    const end = token ? `token ${token}${detail ? '  ' : ''}${detail}` : detail;
    this.out.write(`${this.paint(90, time)}  ${name} ${label} ${end}`.trimEnd() + '\n');
  }

  private paint(code: number, text: string): string {
    return this.colour ? `\u001b[${code}m${text}\u001b[0m` : text;
  }
}

function ms(duration: number): string {
  return `${Math.round(duration).toLocaleString('en').replaceAll(',', ' ')} ms`;
}
