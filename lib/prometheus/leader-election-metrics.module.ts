import { Module, type DynamicModule } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { register, type Registry } from 'prom-client';
import { ProviderMethods } from '../explorers/provider-methods.js';
import { METRICS_REGISTRY, MetricsRecorder } from './metrics.recorder.js';

/** Of `LeaderElectionMetricsModule.forRoot`. */
export interface LeaderElectionMetricsOptions {
  /** Where the series go. Default: prom-client's own registry, which `@willsoto/nestjs-prometheus` serves too. */
  registry?: Registry;
}

/**
 * Prometheus metrics of all elections of the application. Needs `LeaderElectionModule.forRoot` in it. Without a
 * `forRoot` of its own it registers with prom-client's own registry.
 *
 * @publicApi
 */
@Module({
  imports: [DiscoveryModule],
  providers: [{ provide: METRICS_REGISTRY, useValue: register }, ProviderMethods, MetricsRecorder],
})
export class LeaderElectionMetricsModule {
  /** With a registry of yours. Import it once, beside `LeaderElectionModule.forRoot`. */
  static forRoot({ registry = register }: LeaderElectionMetricsOptions = {}): DynamicModule {
    return {
      module: LeaderElectionMetricsModule,
      providers: [{ provide: METRICS_REGISTRY, useValue: registry }],
    };
  }
}
