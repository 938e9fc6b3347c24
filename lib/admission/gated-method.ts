import { publish, type GatedCall } from '../diagnostics/channels.js';
import { isObservable } from 'rxjs';
import { isElector } from '../election/elector.js';
import { LeaderElectionConfigError, NotLeaderError } from '../election/index.js';
import { type HandlerKind, handlerKind, mustBeRefused } from '../handlers/handler-kind.js';
import { refusal } from '../handlers/refusal.js';
import { DEFAULT_ELECTION, electionProperty, GATE_METADATA, SERVICE_PROPERTY } from '../leader-election.constants.js';
import * as messages from '../leader-election.messages.js';
import type { LeaderElectionService } from '../leader-election.service.js';
import type { Admission } from './admission.js';
import { admitResult } from './admitted-result.js';
import { gatedSaga, sagaGate, type SagaGate } from './saga.js';
import { emptyResult, isAsync } from './skipped-result.js';
import { stubLeads } from './stub.js';

export interface GateOptions {
  readonly election: string;
  /** Absent: by the kind of handler. */
  readonly onStandby?: 'skip' | 'throw';
  /** Only a decorator of the class, which may yet have to run, says whether this is a handler: if it is none, it is not gated. */
  readonly ifHandler?: boolean;
}

export type Method = (this: object, ...args: unknown[]) => unknown;

/** What may hold an election: no object at all where a method was passed on unbound. */
type Holder = Record<symbol, LeaderElectionService | undefined> | undefined;

/**
 * The method, run only while this replica leads, as admitted work. Carries the metadata of the original, so that it may
 * be wrapped before or after the framework's own decorator ran.
 *
 * @throws NotLeaderError when called inside admitted work whose term is over: half a piece of work must not look skipped
 */
export function gate(owner: object, name: string, method: Method, options: GateOptions): Method {
  const property = electionProperty(options.election);
  // Asked first: a test that overrides the service, or has it mocked, does not reach the token behind it.
  const serviceProperty = options.election === DEFAULT_ELECTION ? SERVICE_PROPERTY : property;
  const async = isAsync(owner, name, method);
  const skipped = emptyResult(owner, name, method);
  // Found at the first call, when all decorators have run, and kept: reflection would cost a standby microseconds a tick.
  const kinds = new WeakMap<object, HandlerKind | undefined>();

  const kindOf = (instance: object): HandlerKind | undefined => {
    const constructor = instance?.constructor ?? owner.constructor;
    if (!kinds.has(constructor)) kinds.set(constructor, handlerKind(gated, constructor, name));
    return kinds.get(constructor);
  };

  const gated: Method = function (...args) {
    if (options.ifHandler === true && kindOf(this) === undefined) return method.apply(this, args);
    const holder = this as Holder;
    const election = holder?.[serviceProperty] ?? holder?.[property];
    try {
      if (election === undefined) throw notInjected(owner, name, options.election, this);
      // Nothing but a saga is handed a stream by its caller; asked in this order, as reflection is dear.
      if (args.length > 0 && isObservable(args[0]) && kindOf(this) === 'saga')
        return gatedSaga(sagaGateOf(election), (events$) => method.call(this, events$), args[0]);
      if (!isElector(election)) return stubLeads(election, label) ? method.apply(this, args) : standby(undefined, this);
      const term = election.admit();
      if (term === null) return standby(election, this);
      tell(election, 'admitted');
      const admission: Admission = { election, term, kind: () => kindOf(this), refuse: () => refuse(this) };
      return election.track(
        term,
        () => method.apply(this, args),
        (value) => admitResult(admission, value),
      );
    } catch (error) {
      // What an asynchronous method fails with arrives as a rejection, and so does a refusal of it.
      if (async) return Promise.reject(error);
      throw error;
    }
  };

  const label = methodLabel(owner, name);
  const tell = (election: LeaderElectionService, outcome: GatedCall['outcome']) =>
    publish('call', () => {
      const { leaseName } = election.status();
      return { election: election.name, leaseName, identity: election.identity, handler: label, outcome };
    });

  const refuse = (instance: object): Promise<Error> => refusal(kindOf(instance), new NotLeaderError(options.election));

  const sagaGateOf = (election: LeaderElectionService): SagaGate => {
    if (options.onStandby === 'throw')
      throw new LeaderElectionConfigError(messages.SAGA_THROWS_MESSAGE(label), messages.SAGA_THROWS_ADVICE);
    if (isElector(election)) return sagaGate(election);
    const leads = () => stubLeads(election, label);
    return { leads, run: (work) => leads() && work() };
  };

  /** Of a stub, which has no name to tell, `undefined` is told nothing about. */
  const standby = (election: LeaderElectionService | undefined, instance: object): unknown => {
    const kind = kindOf(instance);
    if (options.onStandby === 'skip' || (options.onStandby === undefined && !mustBeRefused(kind))) {
      if (election !== undefined) tell(election, 'skipped');
      return skipped();
    }
    if (election !== undefined) tell(election, 'refused');
    if (!mustBeRefused(kind)) throw new NotLeaderError(options.election);
    // Frameworks await their handlers, and the error class that their transport lets through has to be imported.
    return refuse(instance).then((error) => {
      throw error;
    });
  };

  for (const key of Reflect.getOwnMetadataKeys(method))
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, method), gated);

  // Added to: the method may be gated by several elections.
  Reflect.defineMetadata(GATE_METADATA, [...gatesOf(method), options], gated);
  // Frameworks read both: the name for logs and routes, the length for callbacks.
  Object.defineProperty(gated, 'name', { value: method.name, configurable: true });
  Object.defineProperty(gated, 'length', { value: method.length, configurable: true });
  return gated;
}

/** By which elections a method is gated, the innermost first. */
export function gatesOf(method: object): readonly GateOptions[] {
  return (Reflect.getOwnMetadata(GATE_METADATA, method) as readonly GateOptions[] | undefined) ?? [];
}

function methodLabel(owner: object, name: string): string {
  return `${owner.constructor.name}.${name}`;
}

function notInjected(owner: object, name: string, election: string, instance: unknown): LeaderElectionConfigError {
  const label = methodLabel(owner, name);
  const isUnbound = !Object.prototype.isPrototypeOf.call(owner, instance as object);
  return isUnbound
    ? new LeaderElectionConfigError(
        messages.UNBOUND_MESSAGE(label, owner.constructor.name),
        messages.UNBOUND_ADVICE(name),
      )
    : new LeaderElectionConfigError(messages.NOT_INJECTED_MESSAGE(label, election), messages.NOT_INJECTED_ADVICE);
}
