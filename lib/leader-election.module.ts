import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import type { ElectorFactory } from './registry/election.registry.js';
import type {
  LeaderElectionAsyncOptions,
  LeaderElectionFeatureAsyncOptions,
  LeaderElectionFeatureOptions,
  LeaderElectionOptions,
} from './interfaces/leader-election-options.interface.js';
import { FEATURE_OPTIONS, getLeaderElectionToken, ROOT_OPTIONS } from './leader-election.constants.js';
import { electionProvider, rootDefinition, optionsProviders } from './leader-election.providers.js';
import { LeaderElectionService } from './leader-election.service.js';

const createElector: ElectorFactory = (config) => new LeaderElectionService(config);

/**
 * Elects one replica of the application. `forRoot` once, in the root module; `forFeature` for each further election.
 *
 * @publicApi
 */
@Module({})
export class LeaderElectionModule {
  /** The default election. Global. */
  static forRoot(options: LeaderElectionOptions): DynamicModule {
    const providers = [{ provide: ROOT_OPTIONS, useValue: options }];
    return { module: LeaderElectionModule, ...rootDefinition(providers, createElector) };
  }

  /** The default election, its options made by a factory or a class. Global. */
  static forRootAsync(options: LeaderElectionAsyncOptions): DynamicModule {
    const providers = optionsProviders(ROOT_OPTIONS, options);
    return { module: LeaderElectionModule, ...rootDefinition(providers, createElector, options.imports) };
  }

  /** A named election. Global. It inherits every root option but `leaseName`. Imported twice with the same options, it is the same election. */
  static forFeature({ name, ...options }: LeaderElectionFeatureOptions): DynamicModule {
    return feature(name, [{ provide: FEATURE_OPTIONS, useValue: options }]);
  }

  /** A named election, its options made by a factory or a class. Global. */
  static forFeatureAsync({ name, ...options }: LeaderElectionFeatureAsyncOptions): DynamicModule {
    return feature(name, optionsProviders(FEATURE_OPTIONS, options), options.imports);
  }
}

function feature(name: string, options: Provider[], imports: DynamicModule['imports'] = []): DynamicModule {
  return {
    module: LeaderElectionModule,
    // As its name is: decorators anywhere may name it.
    global: true,
    imports,
    providers: [...options, electionProvider(name, FEATURE_OPTIONS)],
    exports: [getLeaderElectionToken(name)],
  };
}
