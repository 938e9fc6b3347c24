import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { gatesOf } from '../admission/gate.js';
import { LeaderElectionConfigError } from '../election/errors.js';
import type { ElectionRegistry } from '../election.registry.js';
import { ELECTION_REGISTRY, electionProperty, GATE_METADATA } from '../leader-election.constants.js';
import { EVENT_PATTERN_MESSAGE, FROZEN_ADVICE, FROZEN_MESSAGE } from '../leader-election.messages.js';
import { ProviderMethods } from './provider-methods.js';

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
    for (const { label, method, instances } of this.providerMethods.withMetadata(GATE_METADATA)) {
      for (const { election } of gatesOf(method)) {
        const { service } = this.registry.get(election, label);
        const property = electionProperty(election);
        for (const instance of instances) {
          if (property in instance) continue;
          if (!Object.isExtensible(instance)) throw new LeaderElectionConfigError(FROZEN_MESSAGE(label), FROZEN_ADVICE);
          Object.defineProperty(instance, property, { value: service });
        }
      }
      if (Reflect.getMetadata(HANDLER_TYPE_METADATA, method) === EVENT_HANDLER) {
        this.logger.warn(EVENT_PATTERN_MESSAGE(label));
      }
    }
  }
}
