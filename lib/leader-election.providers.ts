import type { DynamicModule, Provider } from '@nestjs/common';
import { DiscoveryModule, ModulesContainer } from '@nestjs/core';
import { defaultStore } from './registry/default-store.js';
import { ElectionRegistry, type ElectorFactory } from './registry/election.registry.js';
import { LeaderElectionConfigError } from './election/index.js';
import { processWide } from './election/process-wide.js';
import { GatedProvidersExplorer } from './explorers/gated-providers.explorer.js';
import { LeadershipHandlersExplorer } from './explorers/leadership-handlers.explorer.js';
import { ProviderMethods } from './explorers/provider-methods.js';
import { LeaderGuard } from './guards/leader.guard.js';
import type {
  LeaderElectionAsyncOptions,
  LeaderElectionOptions,
  LeaderElectionOptionsFactory,
} from './interfaces/leader-election-options.interface.js';
import { LeaderElectionLifecycleModule } from './lifecycle/leader-election-lifecycle.module.js';
import {
  DEFAULT_ELECTION,
  ELECTION_REGISTRY,
  ELECTOR_FACTORY,
  getLeaderElectionToken,
  ROOT_OPTIONS,
} from './leader-election.constants.js';
import { NO_ROOT_ADVICE, NO_ROOT_MESSAGE, TWO_ROOTS_ADVICE, TWO_ROOTS_MESSAGE } from './leader-election.messages.js';
import { LeaderElectionService } from './leader-election.service.js';
import { CronJobs } from './schedule/cron-jobs.js';
import { CronJobsExplorer } from './schedule/cron-jobs.explorer.js';
import { LeaderCronService } from './schedule/leader-cron.service.js';

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
      {
        provide: getLeaderElectionToken(),
        inject: [ELECTION_REGISTRY],
        useFactory: (registry: ElectionRegistry) => registry.declare(DEFAULT_ELECTION, registry.root),
      },
      { provide: LeaderElectionService, useExisting: getLeaderElectionToken() },
      ProviderMethods,
      GatedProvidersExplorer,
      LeadershipHandlersExplorer,
      {
        provide: CronJobs,
        inject: [ELECTION_REGISTRY],
        useFactory: (elections: ElectionRegistry) => new CronJobs(elections),
      },
      { provide: LeaderCronService, inject: [CronJobs], useFactory: (jobs: CronJobs) => new LeaderCronService(jobs) },
      CronJobsExplorer,
      LeaderGuard,
    ],
    exports: [ELECTION_REGISTRY, getLeaderElectionToken(), LeaderElectionService, LeaderCronService, LeaderGuard],
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

/**
 * One for each application, which its container of modules stands for. Before Nest 11.1.29 a module that is loaded lazily and imports the
 * root makes the root's providers anew, and the gates there would belong to elections that nobody starts.
 */
const registries = processWide('registries', () => new WeakMap<ModulesContainer, ElectionRegistry>());

function createRegistry(options: LeaderElectionOptions, createElector: ElectorFactory, modules: ModulesContainer) {
  const roots = [...modules.values()].filter((module) => module.providers.has(ROOT_OPTIONS));
  if (roots.length > 1) throw new LeaderElectionConfigError(TWO_ROOTS_MESSAGE, TWO_ROOTS_ADVICE);
  const registry = registries.get(modules) ?? new ElectionRegistry(options, defaultStore(), createElector);
  registries.set(modules, registry);
  return registry;
}

/**
 * Providers that resolve `token` to options in one of Nest's three asynchronous ways.
 *
 * @throws LeaderElectionConfigError when none is named
 */
export function optionsProviders(token: string, options: LeaderElectionAsyncOptions): Provider[] {
  const { inject = [], useFactory, useClass, useExisting } = options;
  if (useFactory !== undefined) return [{ provide: token, inject, useFactory }];
  const factory = useExisting ?? useClass;
  if (factory === undefined)
    throw new LeaderElectionConfigError('Asynchronous options need one of useFactory, useClass and useExisting.');

  const provider: Provider = {
    provide: token,
    inject: [factory],
    useFactory: (from: LeaderElectionOptionsFactory) => from.createLeaderElectionOptions(),
  };
  return useExisting === undefined ? [provider, { provide: factory, useClass: factory }] : [provider];
}
