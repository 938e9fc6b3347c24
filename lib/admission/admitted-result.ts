import { isObservable } from 'rxjs';
import type { Admission } from './admission.js';
import { admitAsyncGenerator } from './async-generator.js';
import { admitGenerator } from './generator.js';
import { admitObservable } from './observable.js';

/**
 * What admitted work hands back. A value passes; something that does its work only when it is consumed is wrapped, so
 * that consuming it is admitted too, by the same term.
 */
export function admitResult(admission: Admission, result: unknown): unknown {
  if (typeof result !== 'object' || result === null) return result;
  if (isObservable(result)) return admitObservable(admission, result);
  if (isGenerator(result, Symbol.asyncIterator)) return admitAsyncGenerator(admission, result as AsyncGenerator);
  if (isGenerator(result, Symbol.iterator)) return admitGenerator(admission, result as Generator);
  return result;
}

/** An iterator that can be told to stop: what generators return. Arrays, maps, requests and file streams are values. */
function isGenerator(result: object, iterator: symbol): boolean {
  const candidate = result as Record<PropertyKey, unknown>;
  return (
    typeof candidate[iterator] === 'function' &&
    typeof candidate.next === 'function' &&
    typeof candidate.return === 'function'
  );
}
