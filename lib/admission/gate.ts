import { publish, type GatedCall } from '../diagnostics/channels.js';
import { LeaderElectionConfigError, NotLeaderError } from '../election/index.js';
import { type HandlerKind, handlerKind, mustBeRefused } from '../handlers/handler-kind.js';
import { refusal } from '../handlers/refusal.js';
import { electionProperty, GATE_METADATA } from '../leader-election.constants.js';
import { NOT_INJECTED_ADVICE, NOT_INJECTED_MESSAGE } from '../leader-election.messages.js';
import type { LeaderElectionService } from '../leader-election.service.js';
import type { Admission } from './admission.js';
import { admitResult } from './result.js';
import { emptyResult, isAsync } from './shape.js';

export interface GateOptions {
  readonly election: string;
  /** Absent: by the kind of handler. */
  readonly onStandby?: 'skip' | 'throw';
  /** Only a decorator of the class, which may yet have to run, says whether this is a handler: if it is none, it is not gated. */
  readonly ifHandler?: boolean;
}

export type Method = (this: object, ...args: unknown[]) => unknown;

/**
 * The method, run only while this replica leads, as admitted work. Carries the metadata of the original, so that it may
 * be wrapped before or after the framework's own decorator ran.
 *
 * @throws NotLeaderError when called inside admitted work whose term is over: half a piece of work must not look skipped
 */
export function gate(owner: object, name: string, method: Method, options: GateOptions): Method {
  const property = electionProperty(options.election);
  const async = isAsync(owner, name, method);
  const skipped = emptyResult(owner, name, method);
  // Found at the first call, when all decorators have run, and kept: reflection would cost a standby microseconds a tick.
  const kinds = new WeakMap<object, HandlerKind | undefined>();

  const kindOf = ({ constructor }: object): HandlerKind | undefined => {
    if (!kinds.has(constructor)) kinds.set(constructor, handlerKind(gated, constructor, name));
    return kinds.get(constructor);
  };

  const gated: Method = function (...args) {
    if (options.ifHandler === true && kindOf(this) === undefined) return method.apply(this, args);
    const election = (this as Record<symbol, LeaderElectionService | undefined> | undefined)?.[property];
    try {
      if (election === undefined) throw notInjected(owner, name, options.election);
      const term = election.admit();
      if (term === null) return standby(election, this);
      tell(election, 'admitted');
      const admission: Admission = { election, term, kind: () => kindOf(this), refuse: () => refuse(election, this) };
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

  const refuse = (election: LeaderElectionService, instance: object): Promise<Error> =>
    refusal(kindOf(instance), new NotLeaderError(election.name));

  const standby = (election: LeaderElectionService, instance: object): unknown => {
    const kind = kindOf(instance);
    if (options.onStandby === 'skip' || (options.onStandby === undefined && !mustBeRefused(kind))) {
      tell(election, 'skipped');
      return skipped();
    }
    tell(election, 'refused');
    if (!mustBeRefused(kind)) throw new NotLeaderError(election.name);
    // Frameworks await their handlers, and the error class that their transport lets through has to be imported.
    return refuse(election, instance).then((error) => {
      throw error;
    });
  };

  for (const key of Reflect.getOwnMetadataKeys(method)) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, method), gated);
  }
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

function notInjected(owner: object, name: string, election: string): LeaderElectionConfigError {
  return new LeaderElectionConfigError(NOT_INJECTED_MESSAGE(methodLabel(owner, name), election), NOT_INJECTED_ADVICE);
}
