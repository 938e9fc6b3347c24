import { subscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Test } from '@nestjs/testing';
import { CHANNELS, LeaderElectionService, type ChannelMessages } from 'nestjs-leader';
import { LeaderElectionMetricsModule } from 'nestjs-leader/prometheus';
import { LeaderElectionTestingModule, LeadershipControl } from 'nestjs-leader/testing';
import { Registry } from 'prom-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ROOT } from '../pages.js';

const page = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
const unmentioned = (names: Iterable<string>) => [...names].filter((name) => !page.includes(`\`${name}\``));

async function boot(registry = new Registry()) {
  const imports = [
    LeaderElectionTestingModule.forRoot({ leader: true }),
    LeaderElectionMetricsModule.forRoot({ registry }),
  ];
  const app = await Test.createTestingModule({ imports }).compile();
  onTestFinished(() => app.close());
  await app.init();
  return app;
}

describe('docs/operations.md', () => {
  it('explains every metric', async () => {
    const registry = new Registry();
    await boot(registry);
    const names = registry.getMetricsAsArray().map(({ name }) => name);
    expect(names.length).toBeGreaterThan(0);
    expect(unmentioned(names)).toEqual([]);
  });

  it('explains every error code', () => {
    const source = readFileSync(join(ROOT, 'lib/election/errors.ts'), 'utf8');
    const union = /LeaderElectionErrorCode =([^;]+);/.exec(source)![1]!;
    expect(unmentioned([...union.matchAll(/'(\w+)'/g)].map((match) => match[1]!))).toEqual([]);
  });

  it('explains every field of the status', async () => {
    const app = await boot();
    expect(unmentioned(Object.keys(app.get(LeaderElectionService).status()))).toEqual([]);
  });

  it('names every channel', () => {
    expect(unmentioned(Object.values(CHANNELS))).toEqual([]);
  });

  it('listens to a channel', async () => {
    const alerts: string[] = [];
    const app = await boot();
    subscribe(CHANNELS.termEnded, (message) => {
      const { leaseName, reason } = message as ChannelMessages['termEnded'];
      alerts.push(`${leaseName}: ${reason}`);
    });
    await app.get(LeadershipControl).revoke();
    expect(alerts).toEqual(['test: superseded']);
  });
});
