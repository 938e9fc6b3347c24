import type { ElectionStatus } from '../../../lib/election/report/status.js';
import type { Election, TermHandlers } from '../../../lib/election/election.js';
import type { LeaderElector } from '../../../lib/election/elector.js';
import type { LeadershipTerm, LossReason } from '../../../lib/election/leadership-term.js';
import type { ElectionLog } from '../../../lib/election/report/election-log.js';
import type { ElectionOptions } from '../../../lib/election/options.js';
import type { Judge } from '../judge/judge.js';
import type { Contender } from './contender.js';
import { LeaseClient, type ProvesDeath } from './lease-client.js';
import type { Machine } from './machine.js';
import type { Network } from './network.js';
import type { NodePlan, Plan } from './plan.js';
import { Jobs } from './jobs.js';
import { Process } from './process.js';
import { Mark } from './timeline.js';
import { Workload } from './workload.js';

/** The constructor of what is put to the proof: the elector that ships, a mutant of it, or one that is known to be bad. */
export type NewElection = ((setup: {
  name: string;
  options: ElectionOptions;
  handlers: TermHandlers;
  log: ElectionLog;
  clock: Process;
  chance: Process;
  exit: Process;
}) => Election) & { readonly provesDeath?: ProvesDeath };

/** One of our replicas: an application with an elector in it, on one machine, through all its restarts. */
export class Replica implements Contender {
  readonly ours = true;
  process: Process | null = null;
  elector: Election | null = null;
  /** The latest term of the running process. */
  term: LeadershipTerm | null = null;
  leading = false;
  /** Admitted work that has not settled. */
  working = 0;
  private incarnation = 0;
  private told: 'nothing' | 'acquired' | 'lost' = 'nothing';

  constructor(
    readonly machine: Machine,
    private readonly network: Network,
    private readonly plan: Plan,
    private readonly node: NodePlan,
    private readonly judge: Judge,
    private readonly create: NewElection,
  ) {}

  get index(): number {
    return this.machine.index;
  }

  start(): void {
    if (this.process?.alive) return;
    const { machine, plan, judge } = this;
    const { world } = machine;
    const process = new Process(
      machine,
      ++this.incarnation,
      world.random.stream(`process ${this.index}.${this.incarnation}`),
      this.node.options.leaseDuration,
    );
    this.process = process;
    this.term = null;
    this.leading = false;
    this.working = 0;
    this.told = 'nothing';
    const store = new LeaseClient(process, this.network, plan.client, plan.watch, judge, this.create.provesDeath);
    const log = (message: string): void => {
      world.mark(Mark.Log, this.index, 0, world.timeline ? message : undefined);
      judge.health.logged(process, message);
    };
    const elector = this.create({
      name: 'default',
      options: { leaseName: 'simulated', identity: `r${this.index}`, store, ...this.node.options },
      handlers: this.handlers(process),
      log: { log, warn: log, error: log },
      clock: process,
      chance: process,
      exit: process,
    });
    this.elector = elector;
    process.identity = elector.identity;
    world.mark(Mark.Start, this.index, this.incarnation, elector.identity);
    elector.term$.subscribe((term) => term && this.began(term));
    elector.leadership$.subscribe((leads) => this.notified(process, leads));
    process.deliver(() => void elector.start());
    if (plan.jobs.length > 0 && 'addJob' in elector)
      new Jobs(this, process, elector as unknown as LeaderElector, plan.jobs, judge).begin();
    new Workload(this, process, elector, plan.work, judge).begin();
  }

  /** The process is gone in the middle of whatever it did; what it has sent is still on its way. */
  crash(): void {
    this.process?.kill();
    this.machine.world.mark(Mark.Crash, this.index);
    this.judge.gone(this);
  }

  /** It throws, or calls `process.exit()`: its `exit` listeners run. Some processes live through that. */
  exitByItself(livesOn: boolean): void {
    const { process, judge } = this;
    const { world } = this.machine;
    if (!process?.alive) return;
    process.deliver(() => {
      process.exitedAt = world.now;
      // After a loss that it could not choose, a replica may lead again before its old work has ended.
      process.workLeft = this.term?.isValid() === true ? this.working : 0;
      world.mark(Mark.Crash, this.index, 0, livesOn ? 'exits, and lives on' : 'exits');
      const leavers = [...process.leavers];
      const farewells = leavers.map((leaver) => leaver.depart());
      judge.ask('a process exits');
      for (const send of farewells) send?.();
      if (livesOn) {
        world.count('lived through its exit');
        process.setTimer(() => {
          judge.survived(process);
          process.leftAloneUntil.read = process.leftAloneUntil.watch = Number.NEGATIVE_INFINITY;
          for (const leaver of leavers) leaver.survived();
        }, 0);
        return;
      }
      process.kill();
      judge.gone(this);
    });
  }

  /** SIGTERM: the application stops its election and exits. Resolves when it has. */
  stop(): void {
    const { process, elector } = this;
    if (!process?.alive || !elector) return;
    this.machine.world.mark(Mark.Stop, this.index);
    // A process that is stalled gets the signal when it goes on.
    process.deliver(() => void elector.stop().then(() => this.exits(process)));
  }

  private exits(process: Process): void {
    if (!process.alive) return;
    this.judge.ask('a replica has stopped');
    process.kill();
    this.machine.world.mark(Mark.Crash, this.index, 0, 'exits');
    this.judge.gone(this);
  }

  stepDown(): void {
    if (!this.process?.running) return;
    this.machine.world.mark(Mark.StepDown, this.index);
    void this.elector?.stepDown();
  }

  believes(): boolean {
    return this.process?.running === true && this.elector!.isLeader();
  }

  /** Leads, or drains work that may still act. */
  holds(): boolean {
    return this.believes() || (this.process?.running === true && this.term?.isValid() === true);
  }

  failures(): ElectionStatus['failures'] | undefined {
    return this.process?.running === true ? this.elector?.status?.().failures : undefined;
  }

  /** A piece of admitted work begins. Returns what to call when it ends. */
  works(process: Process): () => void {
    const begunAt = this.machine.world.now;
    this.working++;
    return () => {
      this.working--;
      if (begunAt <= process.exitedAt) process.workLeft--;
    };
  }

  private began(term: LeadershipTerm): void {
    this.term = term;
    const { process } = this;
    term.signal.addEventListener('abort', () => {
      if (process!.running && this.elector!.isLeader() && this.elector!.currentTerm() === term)
        this.judge.breach('S5', `the signal of a term aborts while ${process!.identity} still says leader`);
    });
    this.judge.termBegan(this, term);
  }

  private notified(process: Process, leads: boolean): void {
    if (process !== this.process || !process.alive) return;
    const { judge } = this;
    if (leads === this.leading && (leads || this.told !== 'nothing'))
      judge.breach('S5', `leadership$ of ${process.identity} repeats ${leads}`);
    if (!leads && this.term && !this.term.signal.aborted)
      judge.breach('S5', 'leadership$ says false before the signal aborts');
    this.leading = leads;
    this.machine.world.mark(leads ? Mark.Leads : Mark.Ends, this.index);
    if (!leads) return;
    const blind = this.machine.blindUntil >= this.machine.world.now;
    if (!this.elector!.isLeader() && !blind)
      judge.breach('S5', `leadership$ of ${process.identity} says true, isLeader() false`);
    judge.ask('a replica says that it leads');
  }

  private handlers(process: Process): TermHandlers {
    const { judge } = this;
    const expect = (before: string[], now: 'acquired' | 'lost', term: LeadershipTerm): void => {
      if (!before.includes(this.told)) judge.breach('S5', `${process.identity} hears ${now} after ${this.told}`);
      this.told = now;
      this.machine.world.mark(Mark.Log, this.index, Number(term.fencingToken), now);
    };
    return {
      acquired: (term) => expect(['nothing', 'lost'], 'acquired', term),
      lost: (term: LeadershipTerm, reason: LossReason) => {
        expect(['acquired'], 'lost', term);
        judge.gaveUp(this, term, reason);
      },
    };
  }
}
