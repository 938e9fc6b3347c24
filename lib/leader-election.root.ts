import type { DynamicModule, Provider } from '@nestjs/common';
import { DiscoveryModule, ModulesContainer } from '@nestjs/core';
import { getLeaderElectionToken } from './decorators/inject-leader-election.decorator.js';
import { defaultStore } from './default-store.js';
import { ElectionRegistry, type ElectorFactory } from './election.registry.js';
import { LeaderElectionConfigError } from './election/index.js';
import { GatedProvidersExplorer } from './explorers/gated-providers.explorer.js';
import { LeadershipHandlersExplorer } from './explorers/leadership-handlers.explorer.js';
import { ProviderMethods } from './explorers/provider-methods.js';
import { LeaderGuard } from './guards/leader.guard.js';
import type { LeaderElectionOptions } from './interfaces/leader-election-options.interface.js';
import { LeaderElectionLifecycleModule } from './leader-election-lifecycle.module.js';
import { DEFAULT_ELECTION, ELECTION_REGISTRY, ELECTOR_FACTORY, ROOT_OPTIONS } from './leader-election.constants.js';
import { NO_ROOT_ADVICE, NO_ROOT_MESSAGE, TWO_ROOTS_ADVICE, TWO_ROOTS_MESSAGE } from './leader-election.messages.js';
import { LeaderElectionService } from './leader-election.service.js';

/** What every root module of elections has, whatever gives its options (`ROOT_OPTIONS`) and makes its electors. */
export function rootDefinition(
  options: Provider[],
  createElector: ElectorFactory,
  imports: DynamicModule['imports'] = [],
): Omit<DynamicModule, 'module'> {
  return {
    global: true,
    imports: [DiscoveryModule, LeaderElectionLifecycleModule, ...imports],
    providers: [
      ...options,
      { provide: ELECTOR_FACTORY, useValue: createElector },
      {
        provide: ELECTION_REGISTRY,
        inject: [ROOT_OPTIONS, ELECTOR_FACTORY, ModulesContainer],
        useFactory: createRegistry,
      },
      electionProvider(DEFAULT_ELECTION, ROOT_OPTIONS),
      { provide: LeaderElectionService, useExisting: getLeaderElectionToken() },
      ProviderMethods,
      GatedProvidersExplorer,
      LeadershipHandlersExplorer,
      LeaderGuard,
    ],
    exports: [ELECTION_REGISTRY, getLeaderElectionToken(), LeaderElectionService, LeaderGuard],
  };
}

/** The service of the election of that name, whose options another provider of the same module gives. */
export function electionProvider(name: string, options: string): Provider {
  return {
    provide: getLeaderElectionToken(name),
    inject: [{ token: ELECTION_REGISTRY, optional: true }, options],
    useFactory: (registry: ElectionRegistry | undefined, own: LeaderElectionOptions) => {
      if (registry === undefined) throw new LeaderElectionConfigError(NO_ROOT_MESSAGE(name), NO_ROOT_ADVICE);
      return registry.declare(name, own);
    },
  };
}

function createRegistry(options: LeaderElectionOptions, createElector: ElectorFactory, modules: ModulesContainer) {
  const roots = [...modules.values()].filter((module) => module.providers.has(ROOT_OPTIONS));
  if (roots.length > 1) throw new LeaderElectionConfigError(TWO_ROOTS_MESSAGE, TWO_ROOTS_ADVICE);
  return new ElectionRegistry(options, defaultStore(), createElector);
}
