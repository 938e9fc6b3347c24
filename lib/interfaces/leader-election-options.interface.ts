import type { FactoryProvider, ModuleMetadata, Type } from '@nestjs/common';
import type { ElectionOptions } from '../election/index.js';

/**
 * Options of the default election. Durations are milliseconds.
 *
 * @publicApi
 */
export interface LeaderElectionOptions extends Omit<ElectionOptions, 'store'> {
  /**
   * Where the lease is kept. Without it: in a pod the Kubernetes Lease, under a test runner memory, elsewhere a file on
   * this machine, except under `NODE_ENV=production`, where the application refuses to start.
   */
  store?: ElectionOptions['store'];
}

/**
 * Options of a further, named election. Whatever is left out is as in `forRoot`.
 *
 * @publicApi
 */
export interface LeaderElectionFeatureOptions extends LeaderElectionOptions {
  /** By which decorators and `@InjectLeaderElection` refer to it. */
  name: string;
}

/**
 * Implemented by a class that is handed to `useClass` or `useExisting`.
 *
 * @publicApi
 */
export interface LeaderElectionOptionsFactory {
  createLeaderElectionOptions(): LeaderElectionOptions | Promise<LeaderElectionOptions>;
}

/**
 * @publicApi
 */
export interface LeaderElectionAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  inject?: FactoryProvider['inject'];
  // The parameters are whatever `inject` names, which only the caller can type.
  // oxlint-disable-next-line typescript/no-explicit-any
  useFactory?: (...dependencies: any[]) => LeaderElectionOptions | Promise<LeaderElectionOptions>;
  useClass?: Type<LeaderElectionOptionsFactory>;
  useExisting?: Type<LeaderElectionOptionsFactory>;
}

/**
 * @publicApi
 */
export interface LeaderElectionFeatureAsyncOptions extends LeaderElectionAsyncOptions {
  name: string;
}
