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
   * this machine. Under `NODE_ENV=production` no memory and no file: outside a pod the application refuses to start.
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
  /** Called once, while the application is being put together. */
  createLeaderElectionOptions(): LeaderElectionOptions | Promise<LeaderElectionOptions>;
}

/**
 * Of `forRootAsync`: exactly one of `useFactory`, `useClass` and `useExisting`.
 *
 * @publicApi
 */
export interface LeaderElectionAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** What `useFactory` is called with. */
  inject?: FactoryProvider['inject'];
  /** Makes the options; may be asynchronous. */
  // The parameters are whatever `inject` names, which only the caller can type.
  // oxlint-disable-next-line typescript/no-explicit-any
  useFactory?: (...dependencies: any[]) => LeaderElectionOptions | Promise<LeaderElectionOptions>;
  /** Instantiated for this purpose. */
  useClass?: Type<LeaderElectionOptionsFactory>;
  /** A provider that the application has already. */
  useExisting?: Type<LeaderElectionOptionsFactory>;
}

/**
 * Of `forFeatureAsync`.
 *
 * @publicApi
 */
export interface LeaderElectionFeatureAsyncOptions extends LeaderElectionAsyncOptions {
  /** By which decorators and `@InjectLeaderElection` refer to it. */
  name: string;
}
