import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet } from '../../e2e/fleet/fleet.js';
import { monotonic } from '../../e2e/fleet/replica-lines.js';
import type { Replica } from '../../e2e/fleet/replica.js';
import { clientGo, type Contender, ours } from '../contenders.js';
import type { Lab } from '../lab.js';

/** Milliseconds to the successor's first admitted work. */
export interface Crash {
  readonly afterSignal: number;
  /** Counted from the end of the lease as the API server has it. */
  readonly afterLease: number;
}

/** A leader and its standbys, brought up to strength again after each loss. */
export class Squad {
  private leader!: Replica;
  private standbys: Replica[] = [];
  private started = 0;

  private constructor(
    private readonly fleet: Fleet,
    private readonly contender: Contender,
    private readonly strength: number,
  ) {}

  /** Brings up squads of ours and of client-go with 1, 2 and 5 standbys, `lanes` of each, and of `pairs` with one; ends them after `run`. */
  static async all(
    lab: Lab,
    lanes: number,
    pairs: readonly Contender[],
    run: (squads: readonly Squad[]) => Promise<void>,
  ): Promise<void> {
    const squads: Squad[] = [];
    try {
      for (const pair of pairs) squads.push(await Squad.of(lab, pair, 1));
      for (const standbys of [1, 2, 5]) {
        for (const contender of [ours, clientGo])
          for (let lane = 0; lane < lanes; lane++) squads.push(await Squad.of(lab, contender, standbys));
      }
      await run(squads);
    } finally {
      await Promise.all(squads.map(({ fleet }) => fleet[Symbol.asyncDispose]()));
    }
  }

  get name(): string {
    return `${this.contender.name}, ${this.strength} standby${this.strength > 1 ? 's' : ''}`;
  }

  private static async of(lab: Lab, contender: Contender, standbys: number): Promise<Squad> {
    const squad = new Squad(await lab.fleet(), contender, standbys);
    squad.leader = await squad.start();
    await squad.leader.until('admitted');
    return squad;
  }

  /** Resolves when every standby sees the leader, and has had time to open its watch. */
  async muster(): Promise<void> {
    while (this.standbys.length < this.strength) {
      const recruit = await this.start();
      await recruit.until('holder');
      this.standbys.push(recruit);
    }
    await sleep(300);
  }

  /** SIGTERM on the leader: milliseconds to its successor's first admitted work. */
  async terminate(): Promise<number> {
    const at = monotonic();
    this.leader.terminate();
    return (await this.succession(at)) - at;
  }

  /** SIGKILL on the leader: milliseconds to its successor's first admitted work. */
  async crash(): Promise<Crash> {
    const at = monotonic();
    await this.leader.kill();
    const leaseEnd = await this.leaseEnd();
    const admitted = await this.succession(at);
    return { afterSignal: admitted - at, afterLease: admitted - leaseEnd };
  }

  /** The instant of the first work that a standby admits. */
  private async succession(since: number): Promise<number> {
    const [successor, at] = await Promise.any(
      this.standbys.map(async (standby) => [standby, (await standby.until('admitted', { since })).t] as const),
    );
    await this.leader.exited;
    this.leader = successor;
    this.standbys = this.standbys.filter((standby) => standby !== successor);
    return at;
  }

  private start(): Promise<Replica> {
    return this.contender.start(this.fleet, `r${this.started++}`);
  }

  /** On the clock of the replicas' lines. */
  private async leaseEnd(): Promise<number> {
    const { spec } = await this.fleet.lease.read();
    return monotonic() - (Date.now() - Date.parse(spec.renewTime!)) + spec.leaseDurationSeconds! * 1000;
  }
}
