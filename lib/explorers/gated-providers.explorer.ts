import { Inject, Injectable, Logger, type OnModuleInit, type Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { gate, gatesOf, type GateOptions, type Method } from '../admission/gated-method.js';
import { isStub } from '../admission/stub.js';
import { isElector } from '../election/elector.js';
import { LeaderElectionConfigError } from '../election/errors.js';
import { isTimeout } from '../handlers/handler-kind.js';
import type { ElectionRegistry } from '../registry/election.registry.js';
import { isRunning } from '../registry/is-running.js';
import {
  DEFAULT_ELECTION,
  ELECTION_REGISTRY,
  electionProperty,
  GATE_METADATA,
  getLeaderElectionToken,
  SAGA_PROPERTIES_METADATA,
} from '../leader-election.constants.js';
import * as messages from '../leader-election.messages.js';
import { LeaderElectionService } from '../leader-election.service.js';
import { ProviderMethods, type ProviderMethod } from './provider-methods.js';

const HANDLER_TYPE_METADATA = 'microservices:handler_type';
const EVENT_HANDLER = 2;

/**
 * Hands the election to gated instances that Nest did not construct (`useFactory`, `useValue`), and warns of gates that
 * cannot keep what they promise.
 */
@Injectable()
export class GatedProvidersExplorer implements OnModuleInit {
  private readonly logger = new Logger('LeaderElection');

  constructor(
    @Inject(ProviderMethods) private readonly providerMethods: ProviderMethods,
    @Inject(ELECTION_REGISTRY) private readonly registry: ElectionRegistry,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
  ) {}

  onModuleInit(): void {
    const timeouts: string[] = [];
    for (const gated of this.providerMethods.withMetadata(GATE_METADATA)) {
      for (const { election } of gatesOf(gated.method)) this.hand(election, gated);
      if (isTimeout(gated.method)) timeouts.push(gated.label);
      if (Reflect.getMetadata(HANDLER_TYPE_METADATA, gated.method) === EVENT_HANDLER)
        this.logger.warn(messages.EVENT_PATTERN_MESSAGE(gated.label));
    }
    if (timeouts.length > 0) this.logger.warn(messages.TIMEOUT_MESSAGE(timeouts));
    for (const instance of this.providerMethods.instances()) gateSagasInProperties(instance);
  }

  private hand(name: string, { label, instances, isGiven }: ProviderMethod): void {
    const election = this.provided(name, label);
    const property = electionProperty(name);
    for (const instance of instances) {
      const held = (instance as Record<symbol, LeaderElectionService | undefined>)[property];
      // What Nest injected stands, also where a test has it inject another.
      if (held === election || (held !== undefined && !isGiven)) continue;
      // One of an application that is closed, or that failed to boot, must not shut this gate forever.
      if (held !== undefined && isElector(held) && isRunning(held))
        throw new LeaderElectionConfigError(messages.TAKEN_MESSAGE(label), messages.TAKEN_ADVICE);

      if (!Object.isExtensible(instance))
        throw new LeaderElectionConfigError(messages.FROZEN_MESSAGE(label), messages.FROZEN_ADVICE);

      Object.defineProperty(instance, property, { value: election, configurable: true });
    }
  }

  /** The election, or what a test overrides it with. */
  private provided(name: string, label: string): LeaderElectionService {
    const tokens =
      name === DEFAULT_ELECTION ? [LeaderElectionService, getLeaderElectionToken()] : [getLeaderElectionToken(name)];
    for (const token of tokens) {
      const provided = this.find(token);
      if (provided === undefined) continue;
      if (isElector(provided) || isStub(provided)) return provided;
      throw new LeaderElectionConfigError(messages.STUB_MESSAGE(label), messages.STUB_ADVICE);
    }
    return this.registry.get(name, label).elector;
  }

  private find(token: string | Type<LeaderElectionService>): LeaderElectionService | undefined {
    try {
      return this.moduleRef.get<LeaderElectionService>(token, { strict: false });
    } catch {
      return undefined;
    }
  }
}

/** Before `@nestjs/cqrs` calls them, which it does when all modules have been initialised. */
function gateSagasInProperties(instance: object): void {
  const prototype = Object.getPrototypeOf(instance) as object | null;
  // Anything may be provided: an object without a class, a namespace of a module.
  if (typeof prototype?.constructor !== 'function') return;
  const sagas = Reflect.getMetadata(SAGA_PROPERTIES_METADATA, prototype.constructor) as
    { readonly names: readonly string[]; readonly options: GateOptions } | undefined;
  for (const name of sagas?.names ?? []) {
    const saga = (instance as Record<string, Method | undefined>)[name];
    // Absent from the bare prototype that stands for a provider of another scope.
    if (saga === undefined || gatesOf(saga).length > 0) continue;
    const gated = gate(prototype, name, saga, sagas!.options);
    Object.defineProperty(instance, name, { value: gated, configurable: true, writable: true, enumerable: true });
  }
}
