import { Inject, Optional, UseGuards } from '@nestjs/common';
import { gate, type GateOptions, type Method } from '../admission/gated-method.js';
import { checkChoice } from '../election/arguments.js';
import { LeaderElectionConfigError } from '../election/index.js';
import { LeaderGuard } from '../guards/leader.guard.js';
import { handlerKind, mayBeHandlerByClass, sagasOf } from '../handlers/handler-kind.js';
import {
  LIFECYCLE_HOOK_ADVICE,
  LIFECYCLE_HOOK_MESSAGE,
  NOT_A_METHOD_MESSAGE,
  STATIC_METHOD_MESSAGE,
} from '../leader-election.messages.js';
import {
  DEFAULT_ELECTION,
  electionProperty,
  GATE_METADATA,
  getLeaderElectionToken,
  LEADERSHIP_METADATA,
  SAGA_PROPERTIES_METADATA,
  SERVICE_PROPERTY,
} from '../leader-election.constants.js';
import { LeaderElectionService } from '../leader-election.service.js';
import { refuseStandardDecorator } from './standard-decorator.js';

/** Which election gates a method, and what a call on a standby does. */
export interface OnlyWhenLeaderOptions {
  /** Name of the election; the default one if left out. */
  election?: string;
  /**
   * What a call on a standby does: `skip` returns nothing, `throw` fails with `NotLeaderError`. Default: handlers whose
   * caller waits for an answer or counts the job as done (HTTP, GraphQL, WebSocket, RPC, CQRS `execute`, known queues
   * and webhooks) throw, everything else skips.
   */
  onStandby?: 'skip' | 'throw';
}

const LIFECYCLE_HOOKS = new Set([
  'constructor',
  'onModuleInit',
  'onApplicationBootstrap',
  'onModuleDestroy',
  'beforeApplicationShutdown',
  'onApplicationShutdown',
]);

/**
 * Runs a method only while this replica leads; on a class, each of its handlers (methods that a framework decorator
 * marks, inherited ones included), but no lifecycle hook, no `@OnLeadership…` method and no helper. Works above and below
 * the framework's decorator. Calls that are running when leadership ends are drained before the lease is released.
 *
 * @throws LeaderElectionConfigError at decoration time, on static methods, accessors and lifecycle hooks
 * @publicApi
 */
export function OnlyWhenLeader(options: string | OnlyWhenLeaderOptions = {}): MethodDecorator & ClassDecorator {
  const { election = DEFAULT_ELECTION, onStandby } = typeof options === 'string' ? { election: options } : options;
  checkChoice('onStandby', onStandby, ['skip', 'throw'], "@OnlyWhenLeader({ onStandby: 'throw' })");
  const gateOptions: GateOptions = { election, onStandby };

  return ((target: object, key?: string | symbol, descriptor?: PropertyDescriptor) => {
    refuseStandardDecorator('@OnlyWhenLeader', key);
    if (key === undefined) return gateHandlers((target as { prototype: object }).prototype, gateOptions);
    const member = `${typeof target === 'function' ? target.name : target.constructor.name}.${String(key)}`;
    if (typeof target === 'function') throw new LeaderElectionConfigError(STATIC_METHOD_MESSAGE(member));
    if (typeof descriptor?.value !== 'function') throw new LeaderElectionConfigError(NOT_A_METHOD_MESSAGE(member));
    if (LIFECYCLE_HOOKS.has(String(key)))
      throw new LeaderElectionConfigError(LIFECYCLE_HOOK_MESSAGE(member), LIFECYCLE_HOOK_ADVICE);

    gateMethod(target, String(key), descriptor, gateOptions);
  }) as MethodDecorator & ClassDecorator;
}

function gateMethod(owner: object, name: string, descriptor: PropertyDescriptor, options: GateOptions): void {
  descriptor.value = gate(owner, name, descriptor.value as Method, options);
  injectElection(owner, options.election);
  // Guards run before pipes and interceptors: on a standby a request is refused before any of it is looked at.
  if (options.onStandby !== 'skip') UseGuards(LeaderGuard.for(options.election))(owner, name, descriptor);
}

function gateHandlers(prototype: object, options: GateOptions): void {
  // Functions in properties are there once an instance is: the explorer gates them.
  const inProperties = sagasOf(prototype.constructor).filter((name) => !(name in prototype));
  if (inProperties.length > 0) {
    Reflect.defineMetadata(SAGA_PROPERTIES_METADATA, { names: inProperties, options }, prototype.constructor);
    injectElection(prototype, options.election);
  }
  for (const [name, descriptor] of methodsOf(prototype)) {
    const method = descriptor.value as Method;
    const decided = Reflect.hasMetadata(GATE_METADATA, method) || Reflect.hasMetadata(LEADERSHIP_METADATA, method);
    if (decided || LIFECYCLE_HOOKS.has(name)) continue;
    const isHandler = handlerKind(method, prototype.constructor, name) !== undefined;
    if (!isHandler && !mayBeHandlerByClass(name)) continue;
    gateMethod(prototype, name, descriptor, { ...options, ifHandler: !isHandler });
    Object.defineProperty(prototype, name, descriptor);
  }
}

/** Methods of the class and of those that it extends, each as the class itself sees it. */
function methodsOf(prototype: object): Map<string, PropertyDescriptor> {
  const methods = new Map<string, PropertyDescriptor>();
  for (let owner = prototype; owner !== Object.prototype; owner = Object.getPrototypeOf(owner) as object) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(owner)))
      if (!methods.has(name)) methods.set(name, descriptor);
  }
  return new Map([...methods].filter(([, { value }]) => typeof value === 'function'));
}

/**
 * Property injection reaches every instance that Nest creates: inherited, request-scoped, of two applications in one
 * process. A registered symbol per election lets one provider belong to several.
 */
function injectElection(owner: object, election: string): void {
  const property = electionProperty(election);
  if (Reflect.hasMetadata(GATE_METADATA, owner, property)) return;
  Reflect.defineMetadata(GATE_METADATA, true, owner, property);
  Inject(getLeaderElectionToken(election))(owner, property);
  if (election !== DEFAULT_ELECTION) return;
  // Another copy of the package has a service of its own, and no provider for this one.
  Optional()(owner, SERVICE_PROPERTY);
  Inject(LeaderElectionService)(owner, SERVICE_PROPERTY);
}
