import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Registry } from 'prom-client';
import { distinctUntilChanged, filter, skip, type Subscription } from 'rxjs';
import { gatesOf } from '../admission/gated-method.js';
import { CHANNELS, type ChannelMessages, type ElectionSubject } from '../diagnostics/channels.js';
import type { TickOutcome } from '../election/index.js';
import type { ElectionEntry, ElectionRegistry } from '../registry/election.registry.js';
import { ProviderMethods } from '../explorers/provider-methods.js';
import { ELECTION_REGISTRY, GATE_METADATA } from '../leader-election.constants.js';
import { createMetrics, type Metrics } from './metrics.js';

export const METRICS_REGISTRY = 'nestjs-leader:metrics-registry';

const LOSS_REASONS = ['expired', 'superseded', 'deleted', 'stepped-down', 'stopped'];
const FAILURE_KINDS = ['conflict', 'rejected', 'unknown', 'failed'];
const OPERATIONS = ['read', 'acquire', 'renew', 'release'];
const TICK_OUTCOMES: readonly TickOutcome[] = [
  'started',
  'done',
  'failed',
  'cut-short',
  'abandoned',
  'missed',
  'overdue',
  'refused',
  'reset',
];
const CALL_OUTCOMES = ['admitted', 'skipped', 'refused'];

/** Turns what the elections of this application publish into metrics. */
@Injectable()
export class MetricsRecorder implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  private readonly metrics: Metrics;
  private readonly subscriptions: Subscription[] = [];
  private readonly listeners: Array<[channel: string, listener: (message: unknown) => void]> = [];

  constructor(
    @Inject(METRICS_REGISTRY) private readonly register: Registry,
    @Inject(ELECTION_REGISTRY) private readonly elections: ElectionRegistry,
    @Inject(ProviderMethods) private readonly providerMethods: ProviderMethods,
  ) {
    this.metrics = createMetrics(register, () => elections.all());
  }

  onModuleInit(): void {
    for (const entry of this.elections.all()) this.begin(entry);
    this.beginCalls();
    this.listen();
  }

  /** By now all modules have added their jobs. */
  onApplicationBootstrap(): void {
    const { ticks, tickLateness } = this.metrics;
    for (const { options, elector } of this.elections.all()) {
      const name = options.leaseName;
      for (const { name: job } of elector.status().jobs) {
        tickLateness.zero({ name, job });
        for (const outcome of TICK_OUTCOMES) ticks.inc({ name, job, outcome }, 0);
      }
    }
  }

  onApplicationShutdown(): void {
    for (const [channel, listener] of this.listeners) unsubscribe(channel, listener);
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    // The next application of this process, in tests say, registers its own under the same names.
    // prom-client's types leave the name of a metric out.
    for (const metric of Object.values(this.metrics) as unknown as Array<{ name: string }>)
      this.register.removeSingleMetric(metric.name);
  }

  /** Every series is there from the first scrape: `rate()` misses the first increment of one that appears with it. */
  private begin({ options: { leaseName: name }, elector }: ElectionEntry): void {
    const { metrics } = this;
    metrics.slowpath.inc({ name }, 0);
    metrics.transitions.inc({ name }, 0);
    metrics.holderDeaths.inc({ name }, 0);
    metrics.drainDuration.zero({ name });
    for (const reason of LOSS_REASONS) metrics.termsEnded.inc({ name, reason }, 0);
    for (const kind of FAILURE_KINDS) metrics.failures.inc({ name, kind }, 0);
    for (const operation of OPERATIONS) metrics.requestDuration.zero({ name, operation });
    const holders = elector.leader$.pipe(
      filter((holder) => holder !== null),
      distinctUntilChanged(),
      skip(1),
    );
    this.subscriptions.push(holders.subscribe(() => metrics.transitions.inc({ name })));
  }

  private beginCalls(): void {
    for (const { label: handler, method } of this.providerMethods.withMetadata(GATE_METADATA)) {
      for (const { election } of gatesOf(method)) {
        const name = this.elections.get(election, handler).options.leaseName;
        for (const outcome of CALL_OUTCOMES) this.metrics.calls.inc({ name, handler, outcome }, 0);
      }
    }
  }

  private listen(): void {
    const { metrics } = this;
    this.on('termEnded', ({ leaseName: name, reason }) => metrics.termsEnded.inc({ name, reason }));
    this.on('holderDied', ({ leaseName: name }) => metrics.holderDeaths.inc({ name }));
    this.on('termDrained', ({ leaseName: name, duration }) => metrics.drainDuration.observe({ name }, duration / 1000));
    this.on('call', ({ leaseName: name, handler, outcome }) => metrics.calls.inc({ name, handler, outcome }));
    this.on('tick', ({ leaseName: name, job, outcome, lateness }) => {
      metrics.ticks.inc({ name, job, outcome });
      if (lateness !== undefined) metrics.tickLateness.observe({ name, job }, lateness / 1000);
    });
    this.on('request', ({ leaseName: name, operation, outcome, duration, leading }) => {
      metrics.requestDuration.observe({ name, operation }, duration / 1000);
      if (outcome !== 'succeeded') metrics.failures.inc({ name, kind: outcome });
      if (operation === 'read' && leading) metrics.slowpath.inc({ name });
    });
  }

  private on<Key extends keyof ChannelMessages>(key: Key, record: (message: ChannelMessages[Key]) => void): void {
    const listener = (message: unknown) => {
      // The channels are the process's: another application in it has metrics of its own.
      const { identity } = message as ElectionSubject;
      if (this.elections.all().some(({ elector }) => elector.identity === identity))
        record(message as ChannelMessages[Key]);
    };
    subscribe(CHANNELS[key], listener);
    this.listeners.push([CHANNELS[key], listener]);
  }
}
