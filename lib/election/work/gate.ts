import { AsyncLocalStorage } from 'node:async_hooks';
import { NotLeaderError } from '../errors.js';
import type { LeadershipTerm } from '../leadership-term.js';
import { processWide } from '../process-wide.js';

/** One admitted call. Settles when what it returned settles. */
interface Admission {
  readonly gate: Gate;
  readonly term: LeadershipTerm;
  /** False for `acquired` handlers: a loop started there outlives the term and must not see it forever. */
  readonly joinable: boolean;
  /** The nearest one around it that had not settled when a call was last made inside it. */
  caller: Admission | undefined;
  /** What the settled ones between it and `caller` leave behind. */
  left: readonly Leftover[];
  /** Index in `running`. */
  place: number;
  settled: boolean;
  /** Waits for all other work to drain. */
  waits: boolean;
}

/** A settled call goes on in whatever it did not await. Kept of it: the term by which that is known, of the nearest call of each gate. */
type Leftover = Pick<Admission, 'gate' | 'term'>;
const NOTHING: readonly Leftover[] = [];

/** How a piece of work is tracked. */
export interface TrackOptions {
  /** Default true. */
  readonly joinable?: boolean;
  /** Makes of what the work resolves with what its caller gets. Default: the same. */
  readonly deliver?: (value: unknown) => unknown;
}

const context = processWide('admitted-calls', () => new AsyncLocalStorage<Admission>());

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
  admit(): LeadershipTerm | null {
    const joined = this.around(true);
    if (joined === undefined) return this.current();
    if (!joined.term.isValid())
      throw new NotLeaderError(this.election, `The term that admitted this call to "${this.election}" is over.`);
    return joined.term;
  }

  /** The term of the admitted call around that has not settled, valid or not. */
  joinedTerm(): LeadershipTerm | undefined {
    return this.around(true)?.term;
  }

  /**
   * The term by which what runs here and now is known, valid or not: that of the admitted call around, also if it has settled. What a
   * call left behind must never pass for work of a later term.
   */
  ownTerm(): LeadershipTerm | undefined {
    let left: LeadershipTerm | undefined;
    for (let call = context.getStore(); call !== undefined; call = call.caller) {
      if (call.gate === this && call.joinable) {
        if (!call.settled) return call.term;
        left ??= call.term;
      }
      left ??= call.left.find(({ gate }) => gate === this)?.term;
    }
    return left;
  }

  /** Runs `work` under `term`, counted until what it returns settles. Returns that, with its value as `deliver` hands it on. */
  track<T>(term: LeadershipTerm, work: () => T, { joinable = true, deliver = unchanged }: TrackOptions = {}): T {
    const admission: Admission = {
      gate: this,
      term,
      joinable,
      caller: context.getStore(),
      left: NOTHING,
      place: this.running.length,
      settled: false,
      waits: false,
    };
    if (admission.caller !== undefined) {
      // Work that calls its successor from inside itself, unawaited, would else make a chain that only grows.
      forgetSettled(admission);
      if (admission.caller !== undefined) forgetSettled(admission.caller);
    }
    this.running.push(admission);
    let result: T;
    try {
      result = context.run(admission, work);
      if (isThenable(result)) {
        const promise = isPlainPromise(result) ? result : context.run(admission, adopted, result);
        return this.follow(admission, promise, deliver) as T;
      }
    } catch (error) {
      this.settle(admission);
      throw error;
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
        for (const admission of this.running) if (!passesOver(admission)) return;
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

  /** One promise, not one to settle and another to deliver: async hooks make each as dear as the rest of a call. */
  private follow(admission: Admission, promise: PromiseLike<unknown>, deliver: (value: unknown) => unknown) {
    return promise.then(
      (value) => {
        this.settle(admission);
        return deliver(value);
      },
      (error) => {
        this.settle(admission);
        throw error;
      },
    );
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
    for (const check of this.waiting) check();
  }

  private callers(): Set<Admission> {
    const callers = new Set<Admission>();
    for (let call = context.getStore(); call !== undefined; call = call.caller) callers.add(call);
    return callers;
  }

  private around(joinable: boolean): Admission | undefined {
    for (let call = context.getStore(); call !== undefined; call = call.caller) {
      // A context outlives its call in whatever the call left behind: then it counts as outside.
      if (call.gate === this && !call.settled && (call.joinable || !joinable)) return call;
    }
    return undefined;
  }
}

/** Takes the settled calls right around `call` out of its chain. */
function forgetSettled(call: Admission): void {
  let around = call.caller;
  for (; around?.settled; around = around.caller) {
    if (around.joinable) remember(call, around);
    for (const left of around.left) remember(call, left);
  }
  call.caller = around;
}

function remember(call: Admission, { gate, term }: Leftover): void {
  // Nearer ones come first, and the call itself is the nearest.
  if (!(call.joinable && call.gate === gate) && !call.left.some((left) => left.gate === gate))
    call.left = [...call.left, { gate, term }];
}

function unchanged(value: unknown): unknown {
  return value;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/** Only a promise of the language calls back once: another would be taken off twice, together with some other call. */
function isPlainPromise(thenable: PromiseLike<unknown>): boolean {
  return thenable instanceof Promise && thenable.constructor === Promise && thenable.then === Promise.prototype.then;
}

/** Once: a query builder runs its query each time that it is awaited, by the gate and by its caller. */
function adopted(thenable: PromiseLike<unknown>): Promise<unknown> {
  return new Promise((resolve) => resolve(thenable));
}
