import type { Judge } from '../judge/judge.js';
import type { Contender } from '../world/contender.js';
import type { Reply, Stored, StoredObject } from '../world/lease-service.js';
import type { Machine } from '../world/machine.js';
import type { Answer, Network } from '../world/network.js';
import { Process } from '../world/process.js';
import { Mark } from '../world/timeline.js';

export interface ClientGoTimings {
  leaseDuration: number;
  renewDeadline: number;
  retryPeriod: number;
}

export const CLIENT_GO: ClientGoTimings = { leaseDuration: 15_000, renewDeadline: 10_000, retryPeriod: 2_000 };

/** A reply that was not one: the client's own timeout, or a cut connection. */
type Outcome = Answer | 'timeout';

/**
 * A replica that runs client-go's leader election with ReleaseOnCancel, after the description of its behaviour in
 * `docs/how-it-is-proven.md`: polling, trust counted from the response, change seen in whole seconds, release by
 * "am I leader in memory". A peer for mixed fleets, and the yardstick of the tables.
 */
export class ClientGoReplica implements Contender {
  readonly ours = false;
  process: Process | null = null;
  private leading = false;
  private stopping = false;
  private incarnation = 0;
  private observed: { raw: string; at: number; stored: Stored } | null = null;

  constructor(
    readonly machine: Machine,
    private readonly network: Network,
    private readonly judge: Judge,
    private readonly timings: ClientGoTimings = CLIENT_GO,
  ) {}

  get index(): number {
    return this.machine.index;
  }

  start(): void {
    if (this.process?.alive) return;
    const { world } = this.machine;
    const process = new Process(
      this.machine,
      ++this.incarnation,
      world.random.stream(`rival ${this.index}.${this.incarnation}`),
    );
    process.identity = `g${this.index}_${process.uuid()}`;
    this.process = process;
    this.leading = this.stopping = false;
    this.observed = null;
    world.mark(Mark.Start, this.index, this.incarnation, process.identity);
    process.deliver(() => void this.run(process));
  }

  crash(): void {
    this.process?.kill();
    this.leading = false;
    this.machine.world.mark(Mark.Crash, this.index);
  }

  stop(): void {
    this.machine.world.mark(Mark.Stop, this.index);
    const { process } = this;
    process?.deliver(() => {
      this.stopping = true;
      void this.exit(process);
    });
  }

  stepDown(): void {
    this.stop();
  }

  believes(): boolean {
    return this.leading && this.process?.running === true;
  }

  holds(): boolean {
    return this.believes();
  }

  private async run(process: Process): Promise<void> {
    const { retryPeriod } = this.timings;
    while (!(await this.tryAcquireOrRenew(process, process.now() + 3_600_000))) {
      if (this.stopping) return;
      await sleep(process, retryPeriod * (1 + 1.2 * process.random()));
    }
    if (this.stopping) return;
    this.leading = true;
    this.machine.world.mark(Mark.Rival, this.index, 1, 'client-go leads');
    this.judge.rivalBegan(this);
    while (!this.stopping && (await this.renewOnce(process))) await sleep(process, retryPeriod);
    if (!this.stopping) await this.exit(process);
  }

  /** One round: at once, then at each tick of the retry period, until the renew deadline. */
  private async renewOnce(process: Process): Promise<boolean> {
    const { renewDeadline, retryPeriod } = this.timings;
    const begun = process.now();
    const deadline = begun + renewDeadline;
    for (let tick = 1; ; tick++) {
      if (await this.tryAcquireOrRenew(process, deadline)) return true;
      if (this.stopping) return false;
      while (begun + tick * retryPeriod < process.now()) tick++;
      if (begun + tick * retryPeriod >= deadline) {
        await sleep(process, deadline - process.now());
        return false;
      }
      await sleep(process, begun + tick * retryPeriod - process.now());
    }
  }

  private async tryAcquireOrRenew(process: Process, deadline: number): Promise<boolean> {
    const now = process.wall();
    const { service } = this.network;
    const seconds = Math.trunc(this.timings.leaseDuration / 1000);
    const mine: StoredObject = {
      holder: process.identity,
      durationSeconds: seconds,
      acquireTime: now,
      renewTime: now,
      transitions: 0,
      mark: null,
      edits: 0,
    };
    const isLeader = this.observed?.stored.object?.holder === process.identity;
    if (isLeader && this.observed!.at + this.observed!.stored.object!.durationSeconds * 1000 > process.now()) {
      const { stored } = this.observed!;
      const fast = { ...stored.object!, durationSeconds: seconds, renewTime: now };
      const answer = await this.call(
        process,
        'go-update',
        () => service.update(fast, stored.revision, stored.uid, process),
        deadline,
      );
      if (isOk(answer)) return this.observe(process, answer.stored!);
    }
    const got = await this.call(process, 'read', () => service.get(), deadline);
    if (got === 'timeout' || got === 'cut') return false;
    if (got.status === 404) {
      const created = await this.call(process, 'go-create', () => service.create(mine, process), deadline);
      return isOk(created) && this.observe(process, created.stored!);
    }
    if (!isOk(got)) return false;
    const stored = got.stored!;
    if (rawRecord(stored) !== this.observed?.raw) this.observe(process, stored);
    const { object } = stored;
    const held = object!.holder !== '' && this.observed!.at + object!.durationSeconds * 1000 > process.now();
    if (held && object!.holder !== process.identity) return false;
    const same = object!.holder === process.identity;
    const next: StoredObject = {
      ...object!,
      holder: process.identity,
      durationSeconds: seconds,
      renewTime: now,
      acquireTime: same ? object!.acquireTime : now,
      transitions: same ? object!.transitions : object!.transitions + 1,
    };
    const put = await this.call(
      process,
      'go-update',
      () => service.update(next, stored.revision, stored.uid, process),
      deadline,
    );
    return isOk(put) && this.observe(process, put.stored!);
  }

  /** Releases (get, then put, if leader by its own memory), only then stops leading, and the process exits. */
  private async exit(process: Process): Promise<void> {
    if (this.observed?.stored.object?.holder === process.identity) {
      const deadline = process.now() + this.timings.renewDeadline;
      const got = await this.call(process, 'read', () => this.network.service.get(), deadline);
      if (isOk(got)) {
        const { object, revision, uid } = got.stored!;
        const now = process.wall();
        const empty = { ...object!, holder: '', durationSeconds: 1, renewTime: now, acquireTime: now };
        await this.call(
          process,
          'go-release',
          () => this.network.service.update(empty, revision, uid, process),
          deadline,
        );
      }
    }
    this.leading = false;
    this.machine.world.mark(Mark.Rival, this.index, 0, 'client-go stops leading');
    process.kill();
    // A controller exits when it has lost its lease, and is started again.
    if (!this.stopping) this.machine.world.after(3000, () => this.start());
  }

  private observe(process: Process, stored: Stored): true {
    this.observed = { raw: rawRecord(stored), at: process.now(), stored };
    return true;
  }

  private call(process: Process, what: string, serve: () => Reply, deadline: number): Promise<Outcome> {
    const timeout = Math.min(Math.max(1000, this.timings.renewDeadline / 2), deadline - process.now());
    return new Promise((resolve) => {
      const cancel = process.setTimer(() => resolve('timeout'), timeout);
      this.network.request(process, what, serve, (answer) => {
        cancel();
        resolve(answer);
      });
    });
  }
}

function isOk(outcome: Outcome): outcome is Reply & { status: 200 } {
  return typeof outcome === 'object' && outcome.status === 200;
}

/** What a standby compares: times in whole seconds. */
function rawRecord({ object }: Stored): string {
  if (!object) return '';
  const seconds = (time: number | null) => (time === null ? '' : Math.trunc(time / 1000));
  return `${object.holder}|${object.durationSeconds}|${seconds(object.acquireTime)}|${seconds(object.renewTime)}|${object.transitions}`;
}

function sleep(process: Process, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    process.setTimer(resolve, milliseconds);
  });
}
