/**
 * Who calls a method, and therefore what a standby may do with the call: a caller that waits for an answer, or a queue
 * that would count the job as done, must be refused; a timer or an event is simply skipped.
 */
export type HandlerKind = 'http' | 'sse' | 'graphql' | 'ws' | 'rpc' | 'cqrs' | 'queue' | 'other';

/** Metadata that each framework part leaves on a handler. Literals, since none of those packages may be imported here. */
const METHOD_KEYS: ReadonlyArray<readonly [key: string, kind: HandlerKind]> = [
  ['microservices:pattern', 'rpc'],
  ['websockets:message_mapping', 'ws'],
  ['graphql:resolver_type', 'graphql'],
  ['graphql:resolve_property', 'graphql'],
  // Routes too, and therefore before them.
  ['__sse__', 'sse'],
  ['method', 'http'],
];

/** Handlers that are recognised by a decorator of their class and a fixed method name. */
const CLASS_KEYS: ReadonlyArray<readonly [key: string, method: string, kind: HandlerKind]> = [
  ['__commandHandler__', 'execute', 'cqrs'],
  ['__queryHandler__', 'execute', 'cqrs'],
  ['__eventsHandler__', 'handle', 'other'],
  ['bullmq:processor_metadata', 'process', 'queue'],
];

/** What put on a method alone does not make it a handler: enhancers, documentation, types and our own marks. */
const NOT_A_HANDLER = /^(design:|swagger\/|nestjs-leader:|__(guards|interceptors|pipes|exceptionFilters)__$)/;

/** `undefined` if nothing says that a framework calls this method. */
export function handlerKind(method: object, owner: object | undefined, name: string): HandlerKind | undefined {
  for (const [key, kind] of METHOD_KEYS) if (Reflect.hasMetadata(key, method)) return kind;
  if (owner !== undefined)
    for (const [key, handler, kind] of CLASS_KEYS) if (handler === name && Reflect.hasMetadata(key, owner)) return kind;
  // Cron jobs, event listeners, and whatever decorator a third party invents: gating one method too many skips a call,
  // gating one too few runs a job on every replica.
  return Reflect.getMetadataKeys(method).some((key) => !NOT_A_HANDLER.test(String(key))) ? 'other' : undefined;
}

/** Whether a method of this name is a handler if its class turns out to be one (its decorator may yet have to run). */
export function mayBeHandlerByClass(name: string): boolean {
  return CLASS_KEYS.some(([, handler]) => handler === name);
}

export function mustBeRefused(kind: HandlerKind | undefined): boolean {
  return kind !== undefined && kind !== 'other';
}

/**
 * Whether somebody still waits for the answer of a handler that gave an Observable. HTTP and GraphQL are answered with its last value,
 * messages with each: there, one that has emitted is a stream, which may have no end.
 */
export function owesAnswer(kind: HandlerKind | undefined, hasEmitted: boolean): boolean {
  return kind === 'http' || kind === 'graphql' || (kind === 'rpc' && !hasEmitted);
}
