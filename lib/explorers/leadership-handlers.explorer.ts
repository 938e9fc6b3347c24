import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { gatesOf } from '../admission/gated-method.js';
import type { LeadershipSubscription } from '../decorators/on-leadership.decorator.js';
import type { ElectionRegistry } from '../registry/election.registry.js';
import { LeaderElectionConfigError, type LeadershipTerm, type LossReason } from '../election/index.js';
import { ELECTION_REGISTRY, LEADERSHIP_METADATA } from '../leader-election.constants.js';
import {
  GATED_LOSS_ADVICE,
  GATED_LOSS_MESSAGE,
  NO_INSTANCE_ADVICE,
  NO_INSTANCE_MESSAGE,
} from '../leader-election.messages.js';
import { ProviderMethods } from './provider-methods.js';

type Handler = (term: LeadershipTerm, reason?: LossReason) => unknown;

/** Finds `@OnLeadershipAcquired` and `@OnLeadershipLost` methods and has their elections call them. */
@Injectable()
export class LeadershipHandlersExplorer implements OnModuleInit {
  constructor(
    @Inject(ProviderMethods) private readonly providerMethods: ProviderMethods,
    @Inject(ELECTION_REGISTRY) private readonly registry: ElectionRegistry,
  ) {}

  onModuleInit(): void {
    for (const { label, method, name, instances, isStatic } of this.providerMethods.withMetadata(LEADERSHIP_METADATA)) {
      if (!isStatic) throw new LeaderElectionConfigError(NO_INSTANCE_MESSAGE(label), NO_INSTANCE_ADVICE);
      const subscriptions: LeadershipSubscription[] = Reflect.getMetadata(LEADERSHIP_METADATA, method);
      const gates = gatesOf(method);
      for (const { event, election } of subscriptions) {
        if (event === 'lost' && gates.some((gate) => gate.election === election))
          throw new LeaderElectionConfigError(GATED_LOSS_MESSAGE(label), GATED_LOSS_ADVICE);

        const { elector } = this.registry.get(election, label);
        for (const instance of instances) {
          // Looked up at each call: whoever replaces the method on the instance, a test double say, is respected.
          const handler: Handler = (term, reason) => (instance as Record<string, Handler>)[name]!(term, reason);
          elector.onTerms({ acquired() {}, lost() {}, [event]: handler });
        }
      }
    }
  }
}
