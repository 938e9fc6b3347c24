import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ElectionEntry } from '../registry/election.registry.js';

/** From a write on one machine (microseconds) to a request that runs into its timeout. */
const REQUEST_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** From a round trip to the store to a weekend without a replica. */
const LATENESS_BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 3600, 86_400];
/** Up to the grace period of a pod. */
const DRAIN_BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 20, 30];

/**
 * All series. `leader_election_master_status` and `leader_election_slowpath_total` mean what they mean in client-go, whose
 * dashboards then fit; so does the label `name`, which is that of the lease.
 */
export function createMetrics(register: Registry, elections: () => ElectionEntry[]) {
  const registers = [register];
  return {
    masterStatus: new Gauge({
      name: 'leader_election_master_status',
      help: 'Whether this replica leads (1) or stands by (0).',
      labelNames: ['name'],
      registers,
      // Computed when it is asked for: a gauge that is set when something changes would still say 1 after a pause.
      collect() {
        for (const { options, elector } of elections())
          this.set({ name: options.leaseName }, elector.isLeader() ? 1 : 0);
      },
    }),
    slowpath: new Counter({
      name: 'leader_election_slowpath_total',
      help: 'Reads that a leader needed to renew its lease, because a write did not apply to what it had seen last.',
      labelNames: ['name'],
      registers,
    }),
    transitions: new Counter({
      name: 'leader_election_transitions_total',
      help: 'Changes of the holder of the lease, as this replica saw them.',
      labelNames: ['name'],
      registers,
    }),
    holderDeaths: new Counter({
      name: 'leader_election_holder_deaths_total',
      help: 'Holders of the lease whose process was proven to be dead, as this replica saw them.',
      labelNames: ['name'],
      registers,
    }),
    termsEnded: new Counter({
      name: 'leader_election_terms_ended_total',
      help: 'Terms of this replica that are over, by reason.',
      labelNames: ['name', 'reason'],
      registers,
    }),
    requestDuration: new Histogram({
      name: 'leader_election_store_request_duration_seconds',
      help: 'How long requests to the lease store took, whatever came of them.',
      labelNames: ['name', 'operation'],
      buckets: REQUEST_BUCKETS,
      registers,
    }),
    failures: new Counter({
      name: 'leader_election_store_failures_total',
      help: 'Requests to the lease store that did not do what they were sent for, by kind.',
      labelNames: ['name', 'kind'],
      registers,
    }),
    failing: new Gauge({
      name: 'leader_election_store_failing',
      help: 'Whether the last attempt of this kind failed (1) or not (0): reading, writing, watching, ticks.',
      labelNames: ['name', 'part'],
      registers,
      collect() {
        for (const { options, elector } of elections()) {
          for (const [part, failure] of Object.entries(elector.status().failures))
            this.set({ name: options.leaseName, part }, failure === null ? 0 : 1);
        }
      },
    }),
    lastWriteAge: new Gauge({
      name: 'leader_election_last_confirmed_write_age_seconds',
      help: 'Time since the last write of this replica that the store confirmed; NaN before the first.',
      labelNames: ['name'],
      registers,
      collect() {
        for (const { options, elector } of elections()) {
          const { lastConfirmedWrite } = elector.status();
          const age = lastConfirmedWrite === null ? NaN : Math.max(0, Date.now() - Date.parse(lastConfirmedWrite));
          this.set({ name: options.leaseName }, age / 1000);
        }
      },
    }),
    drainDuration: new Histogram({
      name: 'leader_election_drain_duration_seconds',
      help: 'How long running work kept the lease from being released after a term was given up.',
      labelNames: ['name'],
      buckets: DRAIN_BUCKETS,
      registers,
    }),
    ticks: new Counter({
      name: 'leader_election_ticks_total',
      help: 'Ticks of jobs on this replica, by what became of them.',
      labelNames: ['name', 'job', 'outcome'],
      registers,
    }),
    tickLateness: new Histogram({
      name: 'leader_election_tick_lateness_seconds',
      help: 'From the instant of a tick to its start.',
      labelNames: ['name', 'job'],
      buckets: LATENESS_BUCKETS,
      registers,
    }),
    calls: new Counter({
      name: 'leader_election_calls_total',
      help: 'Calls of gated methods, by what came of them.',
      labelNames: ['name', 'handler', 'outcome'],
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
