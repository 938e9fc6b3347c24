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

/** Of names, those that a page leaves out. */
const missing =
  (page: string) =>
  (names: Iterable<string>): string[] => {
    const text = readFileSync(join(ROOT, 'docs', page), 'utf8');
    return [...names].filter((name) => !text.includes(`\`${name}\``));
  };
const missingInOperations = missing('operations.md');
const missingInObservability = missing('observability.md');

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

describe('docs/operations.md and docs/observability.md', () => {
  it('explain every metric', async () => {
    const registry = new Registry();
    await boot(registry);
    const names = registry.getMetricsAsArray().map(({ name }) => name);
    expect(names.length).toBeGreaterThan(0);
    expect(missingInObservability(names)).toEqual([]);
  });

  it('explain every error code', () => {
    const source = readFileSync(join(ROOT, 'lib/election/errors.ts'), 'utf8');
    const union = /LeaderElectionErrorCode =([^;]+);/.exec(source)![1]!;
    expect(missingInOperations([...union.matchAll(/'(\w+)'/g)].map((match) => match[1]!))).toEqual([]);
  });

  it('explain every field of the status', async () => {
    const app = await boot();
    expect(missingInOperations(Object.keys(app.get(LeaderElectionService).status()))).toEqual([]);
  });

  it('name every channel', () => {
    expect(missingInObservability(Object.values(CHANNELS))).toEqual([]);
  });

  it('listen to a channel', async () => {
    const alerts: string[] = [];
    const app = await boot();
    subscribe(CHANNELS.termEnded, (message) => {
      const { leaseName, reason } = message as ChannelMessages['termEnded'];
      alerts.push(`${leaseName}: ${reason}`);
    });
    await app.get(LeadershipControl).revoke();
    expect(alerts).toEqual(['nestjs-leader/testing: superseded']);
  });
});
