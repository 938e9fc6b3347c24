import { ReplaySubject, type Observable } from 'rxjs';
import { outsideAnyCall } from './outside-any-call.js';

/**
 * A value that replays and never repeats. A subscriber that causes the next change while it hears of this one would make the others
 * hear them in reverse: changes queue.
 */
export class Replay<T> {
  /** Not a BehaviorSubject: who asks after the shutdown gets the last value too, and no `EmptyError` out of `firstValueFrom`. */
  private readonly subject = new ReplaySubject<T>(1);
  private readonly queue: T[] = [];
  private emitting = false;
  private last: T;
  readonly changes$: Observable<T>;

  constructor(initial: T) {
    this.last = initial;
    this.subject.next(initial);
    this.changes$ = this.subject.asObservable();
  }

  get value(): T {
    return this.last;
  }

  set(value: T): void {
    if (value === this.last) return;
    this.last = value;
    this.queue.push(value);
    if (this.emitting) return;
    this.emitting = true;
    outsideAnyCall(() => {
      while (this.queue.length > 0) this.subject.next(this.queue.shift()!);
    });
    this.emitting = false;
  }

  complete(): void {
    this.subject.complete();
  }
}
