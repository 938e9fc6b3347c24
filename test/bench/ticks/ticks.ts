import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cron, ScheduleModule } from '@nestjs/schedule';
import { kubernetesLease, LeaderElectionModule } from 'nestjs-leader';
import type { LeaseHandle, LeaseStore } from 'nestjs-leader/election';
import { LeaderCron, type CronTick } from 'nestjs-leader/schedule';
import { printFigures } from '../figures.js';
import type { Lab } from '../lab.js';

const MINUTE = 60_000;
const EXPRESSIONS = { 'no job': null, hourly: '0 * * * *', minutely: '* * * * *', 'each second': '* * * * * *' };

/** What jobs cost: writes of the lease, and the time from a tick's instant to the first line of its handler. Leases of 15 s. */
export async function ticks(lab: Lab): Promise<void> {
  const cluster = await lab.cluster;
  const directory = mkdtempSync(join(tmpdir(), 'nestjs-leader-bench-'));
  const kubeConfig = cluster.kubeconfig(join(directory, 'kubeconfig'), cluster.administrator);
  const late: Record<string, number[]> = { '@LeaderCron, each second': [], '@Cron, each second': [] };
  const writes = new Map<string, number>();
  const applications: INestApplicationContext[] = [];
  for (const [what, expression] of Object.entries(EXPRESSIONS)) {
    const store = counted(kubernetesLease({ kubeConfig, events: false }), () =>
      writes.set(what, (writes.get(what) ?? 0) + 1),
    );
    applications.push(await application(what.replace(' ', '-'), store, expression, late));
  }
  // A new Lease starts no tick of its first minute.
  await sleep(1.2 * MINUTE);
  writes.clear();
  for (const samples of Object.values(late)) samples.length = 0;
  const minutes = lab.amount(10, 1);
  await sleep(minutes * MINUTE);
  console.log(`Writes of the lease in a minute, over ${minutes}:`);
  for (const what of Object.keys(EXPRESSIONS))
    console.log(`  ${what.padEnd(12)} ${((writes.get(what) ?? 0) / minutes).toFixed(1)}`);
  console.log('\nFrom the instant to the first line of the handler:');
  printFigures(Object.entries(late).map(([what, samples]) => ({ what, samples, unit: 'ms' })));
  for (const running of applications) await running.close();
  rmSync(directory, { recursive: true });
}

function counted(store: LeaseStore, count: () => void): LeaseStore {
  return {
    name: store.name,
    resolution: store.resolution,
    open(reference, log) {
      const handle = store.open(reference, log);
      const replace: LeaseHandle['replace'] = (...write) => {
        count();
        return handle.replace(...write);
      };
      return Object.assign(Object.create(handle) as LeaseHandle, { replace });
    },
    close: async () => store.close?.(),
  };
}

async function application(
  leaseName: string,
  store: LeaseStore,
  expression: string | null,
  late: Record<string, number[]>,
) {
  class Jobs {
    ours({ scheduledAt }: CronTick): void {
      if (expression === EXPRESSIONS['each second'])
        late['@LeaderCron, each second']!.push(Date.now() - scheduledAt.getTime());
    }

    plain(): void {
      late['@Cron, each second']!.push(Date.now() % 1000);
    }
  }
  const method = (name: 'ours' | 'plain') => Object.getOwnPropertyDescriptor(Jobs.prototype, name)!;
  if (expression !== null)
    LeaderCron(expression, { name: 'job', timeZone: 'UTC' })(Jobs.prototype, 'ours', method('ours'));
  if (expression === EXPRESSIONS['each second']) Cron(expression)(Jobs.prototype, 'plain', method('plain'));

  @Module({
    imports: [ScheduleModule.forRoot(), LeaderElectionModule.forRoot({ leaseName: `bench-${leaseName}`, store })],
    providers: [Jobs],
  })
  class Application {}

  return NestFactory.createApplicationContext(Application, { logger: ['error', 'warn'] });
}
