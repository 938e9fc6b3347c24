import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { gatesOf } from '../admission/gate.js';
import { LeaderElectionConfigError } from '../election/errors.js';
import type { ElectionRegistry } from '../election.registry.js';
import { isRunning } from '../is-running.js';
import { ELECTION_REGISTRY, electionProperty, GATE_METADATA } from '../leader-election.constants.js';
import * as messages from '../leader-election.messages.js';
import type { LeaderElectionService } from '../leader-election.service.js';
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
  ) {}

  onModuleInit(): void {
    for (const gated of this.providerMethods.withMetadata(GATE_METADATA)) {
      for (const { election } of gatesOf(gated.method))
        this.hand(this.registry.get(election, gated.label).service, gated);
      if (Reflect.getMetadata(HANDLER_TYPE_METADATA, gated.method) === EVENT_HANDLER) {
        this.logger.warn(messages.EVENT_PATTERN_MESSAGE(gated.label));
      }
    }
  }

  private hand(election: LeaderElectionService, { label, instances, isGiven }: ProviderMethod): void {
    const property = electionProperty(election.name);
    for (const instance of instances) {
      const held = (instance as Record<symbol, LeaderElectionService | undefined>)[property];
      // What Nest injected stands, also where a test has it inject another.
      if (held === election || (held !== undefined && !isGiven)) continue;
      // One of an application that is closed, or that failed to boot, must not shut this gate for ever.
      if (held !== undefined && isRunning(held)) {
        throw new LeaderElectionConfigError(messages.TAKEN_MESSAGE(label), messages.TAKEN_ADVICE);
      }
      if (!Object.isExtensible(instance)) {
        throw new LeaderElectionConfigError(messages.FROZEN_MESSAGE(label), messages.FROZEN_ADVICE);
      }
      Object.defineProperty(instance, property, { value: election, configurable: true });
    }
  }
}
