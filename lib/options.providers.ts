import type { Provider } from '@nestjs/common';
import { LeaderElectionConfigError } from './election/index.js';
import type {
  LeaderElectionAsyncOptions,
  LeaderElectionOptionsFactory,
} from './interfaces/leader-election-options.interface.js';

/**
 * Providers that resolve `token` to options in one of Nest's three asynchronous ways.
 *
 * @throws LeaderElectionConfigError when none is named
 */
export function optionsProviders(token: string, options: LeaderElectionAsyncOptions): Provider[] {
  const { inject = [], useFactory, useClass, useExisting } = options;
  if (useFactory !== undefined) return [{ provide: token, inject, useFactory }];
  const factory = useExisting ?? useClass;
  if (factory === undefined) {
    throw new LeaderElectionConfigError('Asynchronous options need one of useFactory, useClass and useExisting.');
  }
  const provider: Provider = {
    provide: token,
    inject: [factory],
    useFactory: (from: LeaderElectionOptionsFactory) => from.createLeaderElectionOptions(),
  };
  return useExisting === undefined ? [provider, { provide: factory, useClass: factory }] : [provider];
}
