import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { DiscoveryModule, ModulesContainer } from '@nestjs/core';
import { getLeaderElectionToken } from './decorators/inject-leader-election.decorator.js';
import { defaultStore } from './default-store.js';
import { ElectionRegistry, type ElectorFactory } from './election.registry.js';
import { LeaderElectionConfigError, LeaderElector } from './election/index.js';
import { GatedProvidersExplorer } from './explorers/gated-providers.explorer.js';
import { LeadershipHandlersExplorer } from './explorers/leadership-handlers.explorer.js';
import { ProviderMethods } from './explorers/provider-methods.js';
import { LeaderGuard } from './guards/leader.guard.js';
import type {
  LeaderElectionAsyncOptions,
  LeaderElectionFeatureAsyncOptions,
  LeaderElectionFeatureOptions,
  LeaderElectionOptions,
} from './interfaces/leader-election-options.interface.js';
import { LeaderElectionLifecycleModule } from './leader-election-lifecycle.module.js';
import {
  DEFAULT_ELECTION,
  ELECTION_REGISTRY,
  ELECTOR_FACTORY,
  FEATURE_OPTIONS,
  ROOT_OPTIONS,
} from './leader-election.constants.js';
import { NO_ROOT_ADVICE, NO_ROOT_MESSAGE, TWO_ROOTS_ADVICE, TWO_ROOTS_MESSAGE } from './leader-election.messages.js';
import { LeaderElectionService } from './leader-election.service.js';
import { optionsProviders } from './options.providers.js';

/**
 * Elects one replica of the application. `forRoot` once, in the root module; `forFeature` for each further election.
 *
 * @publicApi
 */
@Module({})
export class LeaderElectionModule {
  /** The default election. Global. */
  static forRoot(options: LeaderElectionOptions): DynamicModule {
    return root([{ provide: ROOT_OPTIONS, useValue: options }]);
  }

  /** The default election, its options made by a factory or a class. Global. */
  static forRootAsync(options: LeaderElectionAsyncOptions): DynamicModule {
    return root(optionsProviders(ROOT_OPTIONS, options), options.imports);
  }

  /** A named election. It inherits every root option but `leaseName`. Imported twice with the same options, it is the same election. */
  static forFeature({ name, ...options }: LeaderElectionFeatureOptions): DynamicModule {
    return feature(name, [{ provide: FEATURE_OPTIONS, useValue: options }]);
  }

  /** A named election, its options made by a factory or a class. */
  static forFeatureAsync({ name, ...options }: LeaderElectionFeatureAsyncOptions): DynamicModule {
    return feature(name, optionsProviders(FEATURE_OPTIONS, options), options.imports);
  }
}

function root(options: Provider[], imports: DynamicModule['imports'] = []): DynamicModule {
  return {
    module: LeaderElectionModule,
    global: true,
    imports: [DiscoveryModule, LeaderElectionLifecycleModule, ...imports],
    providers: [
      ...options,
      { provide: ELECTOR_FACTORY, useValue: ((config) => new LeaderElector(config)) satisfies ElectorFactory },
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

function feature(name: string, options: Provider[], imports: DynamicModule['imports'] = []): DynamicModule {
  return {
    module: LeaderElectionModule,
    imports,
    providers: [...options, electionProvider(name, FEATURE_OPTIONS)],
    exports: [getLeaderElectionToken(name)],
  };
}

function electionProvider(name: string, options: string): Provider {
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
