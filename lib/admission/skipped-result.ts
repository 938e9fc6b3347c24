import { EMPTY, Observable } from 'rxjs';

const AsyncFunction = (async () => {}).constructor;
const GeneratorFunction = function* () {}.constructor;
const AsyncGeneratorFunction = async function* () {}.constructor;

/** Whether callers expect a promise: by the function itself, or by its declared type where another decorator wrapped it. */
export function isAsync(owner: object, name: string, method: object): boolean {
  if (method instanceof AsyncFunction) return true;
  // Some compilers declare async generators to return a promise.
  return !(method instanceof AsyncGeneratorFunction) && returnType(owner, name) === Promise;
}

/** What a skipped call of this method returns: nothing, in the shape that its caller is prepared for. Reflected once, as standbys skip often. */
export function emptyResult(owner: object, name: string, method: object): () => unknown {
  if (isAsync(owner, name, method)) return () => Promise.resolve();
  if (method instanceof AsyncGeneratorFunction) return async function* () {};
  if (method instanceof GeneratorFunction) return function* () {};
  return returnType(owner, name) === Observable ? () => EMPTY : () => undefined;
}

/** Emitted by TypeScript for decorated methods, under `emitDecoratorMetadata`. */
function returnType(owner: object, name: string): unknown {
  return Reflect.getMetadata('design:returntype', owner, name);
}
