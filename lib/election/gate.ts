import { AsyncLocalStorage } from 'node:async_hooks';
import { NotLeaderError } from './errors.js';
import type { LeadershipTerm } from './leadership-term.js';

/** One admitted call. Settles when what it returned settles. */
interface Admission {
  readonly gate: Gate;
  readonly term: LeadershipTerm;
  /** False for `acquired` handlers: a loop started there outlives the term and must not see it for ever. */
  readonly joinable: boolean;
  /** The nearest one around it that had not settled when a call was last made inside it. */
  caller: Admission | undefined;
  /** Index in `running`. */
  place: number;
  settled: boolean;
  /** Waits for all other work to drain. */
  waits: boolean;
}

/** How a piece of work is let in. */
export interface RunDetails {
  /** Default true. */
  readonly joinable?: boolean;
  /** Makes of what the work resolves with what its caller gets. Default: the same. */
  readonly deliver?: (value: unknown) => unknown;
}

const context = new AsyncLocalStorage<Admission>();
const atImport = AsyncLocalStorage.snapshot();

/** Runs outside every caller's context: the election's own timers and streams must not carry the request in which somebody called it. */
export function outsideAnyCall<T>(run: () => T): T {
  return atImport(run);
}

/** Lets work in under the current term, counts it, and tells when it is done. */
export class Gate {
  /** In no order. An array, as adding to a Set and taking off it costs more than all else that a call does here. */
  private readonly running: Admission[] = [];
  private readonly waiting = new Set<() => void>();

  constructor(
    private readonly election: string,
    private readonly current: () => LeadershipTerm | null,
  ) {
    // The first use of a context switches on the async hooks of the whole process, which takes milliseconds: not in the middle of a
    // takeover.
    context.enterWith(context.getStore()!);
  }

  get count(): number {
    return this.running.length;
  }

  /**
   * The term under which a call made here and now may run: that of the admitted call around it, else the current one, else null.
   * @throws NotLeaderError when the call around it was admitted under a term that is over: half a piece of work must not look skipped
   */
  enter(): LeadershipTerm | null {
    const joined = this.around(true);
    if (joined === undefined) {
      return this.current();
    }
    if (!joined.term.isValid()) {
      throw new NotLeaderError(this.election, `The term that admitted this call to "${this.election}" is over.`);
    }
    return joined.term;
  }

  /** The term of the admitted call around, valid or not. */
  joinedTerm(): LeadershipTerm | undefined {
    return this.around(true)?.term;
  }

  /** Runs `work` under `term`, counted until what it returns settles. Returns that, with its value as `deliver` hands it on. */
  run<T>(term: LeadershipTerm, work: () => T, { joinable = true, deliver = unchanged }: RunDetails = {}): T {
    const caller = unsettled(context.getStore());
    // Work that calls its successor from inside itself, unawaited, would else make a chain that only grows.
    if (caller !== undefined) {
      caller.caller = unsettled(caller.caller);
    }
    const admission: Admission = {
      gate: this,
      term,
      joinable,
      caller,
      place: this.running.length,
      settled: false,
      waits: false,
    };
    this.running.push(admission);
    let result: T;
    try {
      result = context.run(admission, () => onceOnly(work()));
    } catch (error) {
      this.settle(admission);
      throw error;
    }
    if (isThenable(result)) {
      // One promise, not one to settle and another to deliver: async hooks make each as dear as the rest of a call.
      return result.then(
        (value) => {
          this.settle(admission);
          return deliver(value);
        },
        (error) => {
          this.settle(admission);
          throw error;
        },
      ) as T;
    }
    this.settle(admission);
    return deliver(result) as T;
  }

  /** Resolves once everything that runs has settled, calls around this one excepted if `exceptCaller`. */
  idle(exceptCaller = false): Promise<void> {
    const excepted = exceptCaller ? this.callers() : new Set<Admission>();
    // Two calls that both wait for all others would wait for each other.
    const passesOver = (call: Admission) => excepted.has(call) || (exceptCaller && call.waits);
    const wait = (waits: boolean) => excepted.forEach((call) => (call.waits = waits));
    return new Promise((resolve) => {
      const check = () => {
        for (const admission of this.running) {
          if (!passesOver(admission)) {
            return;
          }
        }
        this.waiting.delete(check);
        wait(false);
        resolve();
      };
      this.waiting.add(check);
      wait(true);
      this.recheck();
    });
  }

  /** Whether an admitted call of this gate is around. */
  hasCaller(): boolean {
    return this.around(false) !== undefined;
  }

  private settle(admission: Admission): void {
    admission.settled = true;
    const last = this.running.pop()!;
    if (last !== admission) {
      this.running[admission.place] = last;
      last.place = admission.place;
    }
    this.recheck();
  }

  private recheck(): void {
    for (const check of this.waiting) {
      check();
    }
  }

  private callers(): Set<Admission> {
    const callers = new Set<Admission>();
    for (let call = context.getStore(); call !== undefined; call = call.caller) {
      callers.add(call);
    }
    return callers;
  }

  private around(joinable: boolean): Admission | undefined {
    for (let call = context.getStore(); call !== undefined; call = call.caller) {
      // A context outlives its call in whatever the call left behind: then it counts as outside.
      if (call.gate === this && !call.settled && (call.joinable || !joinable)) {
        return call;
      }
    }
    return undefined;
  }
}

function unsettled(call: Admission | undefined): Admission | undefined {
  while (call?.settled) {
    call = call.caller;
  }
  return call;
}

function unchanged(value: unknown): unknown {
  return value;
}

/** A query builder runs its query each time that it is awaited: once by the gate and once by its caller would be twice. */
function onceOnly<T>(result: T): T {
  return isThenable(result) && !(result instanceof Promise) ? (Promise.resolve(result) as T) : result;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
