import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LeaderElectionModule, LeaderElectionService, memoryLease, OnlyWhenLeader } from 'nestjs-leader';
import { LeaderElectionMetricsModule } from 'nestjs-leader/prometheus';
import { register, Registry } from 'prom-client';
import { describe, expect, it, onTestFinished } from 'vitest';

@Injectable()
class Job {
  finish: () => void = () => {};
  @OnlyWhenLeader() tick() {}
  @OnlyWhenLeader({ onStandby: 'throw' }) async slow() {
    await new Promise<void>((resolve) => (this.finish = resolve));
  }
}

async function boot(
  options: { store?: ReturnType<typeof memoryLease>; candidate?: boolean; registry?: Registry } = {},
) {
  const { store = memoryLease(), candidate = true, registry = new Registry() } = options;
  @Module({
    imports: [
      LeaderElectionModule.forRoot({ leaseName: 'orders', store, candidate }),
      LeaderElectionMetricsModule.forRoot({ registry }),
    ],
    providers: [Job],
  })
  class App {}
  const app = await NestFactory.createApplicationContext(App, { logger: false });
  onTestFinished(() => app.close());
  const election = app.get(LeaderElectionService);
  if (candidate) await election.whenLeader();
  const lines = async () => (await registry.metrics()).split('\n').filter((line) => !line.startsWith('#'));
  const value = async (series: string) => {
    const line = (await lines()).find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  };
  return { app, store, election, job: app.get(Job), value, lines };
}

describe('LeaderElectionMetricsModule', () => {
  it('registers with prom-client itself when it is imported as it is', async () => {
    @Module({
      imports: [
        LeaderElectionModule.forRoot({ leaseName: 'orders', store: memoryLease() }),
        LeaderElectionMetricsModule,
      ],
    })
    class App {}
    const app = await NestFactory.createApplicationContext(App, { logger: false });
    onTestFinished(() => app.close());
    await expect(register.metrics()).resolves.toContain('leader_election_master_status{name="orders"}');
  });

  it('shows every series at the first scrape', async () => {
    const { lines } = await boot({ candidate: false });
    const series = (await lines()).filter((line) => line !== '' && !/_bucket|_sum/.test(line));
    expect(series).toEqual([
      'leader_election_master_status{name="orders"} 0',
      'leader_election_slowpath_total{name="orders"} 0',
      'leader_election_transitions_total{name="orders"} 0',
      'leader_election_holder_deaths_total{name="orders"} 0',
      ...['expired', 'superseded', 'deleted', 'stepped-down', 'stopped'].map(
        (reason) => `leader_election_terms_ended_total{name="orders",reason="${reason}"} 0`,
      ),
      ...['read', 'acquire', 'renew', 'release'].map((operation) =>
        expect.stringContaining(`duration_seconds_count{name="orders",operation="${operation}"}`),
      ),
      ...['conflict', 'rejected', 'unknown', 'failed'].map(
        (kind) => `leader_election_store_failures_total{name="orders",kind="${kind}"} 0`,
      ),
      ...['reading', 'writing', 'watching', 'ticks'].map(
        (part) => `leader_election_store_failing{name="orders",part="${part}"} 0`,
      ),
      'leader_election_last_confirmed_write_age_seconds{name="orders"} Nan',
      'leader_election_drain_duration_seconds_count{name="orders"} 0',
      ...['tick', 'slow'].flatMap((method) =>
        ['admitted', 'skipped', 'refused'].map(
          (outcome) => `leader_election_calls_total{name="orders",handler="Job.${method}",outcome="${outcome}"} 0`,
        ),
      ),
    ]);
  });

  it('says who leads at the moment of the scrape, and how old the last confirmed write is', async () => {
    const { value, election } = await boot();
    expect(await value('leader_election_master_status{name="orders"}')).toBe(1);
    expect(await value('leader_election_last_confirmed_write_age_seconds{name="orders"}')).toBeLessThan(60);
    expect(await value('leader_election_store_request_duration_seconds_count{name="orders",operation="acquire"}')).toBe(
      1,
    );
    await election.stepDown();
    expect(await value('leader_election_master_status{name="orders"}')).toBe(0);
    expect(await value('leader_election_terms_ended_total{name="orders",reason="stepped-down"}')).toBe(1);
  });

  it('counts calls by handler', async () => {
    const { value, job, election } = await boot();
    job.tick();
    job.tick();
    await election.stepDown();
    job.tick();
    await expect(job.slow()).rejects.toThrow();
    const calls = (handler: string, outcome: string) =>
      value(`leader_election_calls_total{name="orders",handler="Job.${handler}",outcome="${outcome}"}`);
    expect(await calls('tick', 'admitted')).toBe(2);
    expect(await calls('tick', 'skipped')).toBe(1);
    expect(await calls('slow', 'refused')).toBe(1);
  });

  it('counts failures by kind, changes of the holder, and terms lost', async () => {
    const store = memoryLease();
    store.fault('replace', { kind: 'rejected' });
    const { value } = await boot({ store });
    expect(await value('leader_election_store_failures_total{name="orders",kind="rejected"}')).toBe(1);
    const now = Date.now();
    store.edit({ name: 'orders' }, { holder: 'other', duration: 3_600_000, renewedAt: now, term: 'x', writeId: 'y' });
    await expect.poll(() => value('leader_election_terms_ended_total{name="orders",reason="superseded"}')).toBe(1);
    expect(await value('leader_election_transitions_total{name="orders"}')).toBe(1);
  });

  it('measures how long the drain took', async () => {
    const { value, job, election } = await boot();
    const running = job.slow();
    const down = election.stepDown();
    await new Promise((resolve) => setTimeout(resolve, 20));
    job.finish();
    await Promise.all([running, down]);
    expect(await value('leader_election_drain_duration_seconds_count{name="orders"}')).toBe(1);
    expect(await value('leader_election_drain_duration_seconds_sum{name="orders"}')).toBeGreaterThan(0.015);
  });

  it('counts the calls of its own application only, and can be registered anew once that is closed', async () => {
    const registry = new Registry();
    const other = await boot();
    const first = await boot({ registry });
    other.job.tick();
    expect(await first.value('leader_election_calls_total{name="orders",handler="Job.tick",outcome="admitted"}')).toBe(
      0,
    );
    await first.app.close();
    expect(await registry.metrics()).not.toContain('leader_election');
    const second = await boot({ registry });
    expect(await second.value('leader_election_master_status{name="orders"}')).toBe(1);
  });
});
