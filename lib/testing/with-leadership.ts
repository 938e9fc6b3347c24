import { Logger } from '@nestjs/common';
import { MetadataScanner } from '@nestjs/core';
import { gatesOf } from '../admission/gated-method.js';
import { DEFAULT_ELECTION, electionProperty, SERVICE_PROPERTY } from '../leader-election.constants.js';
import { memoryLease } from '../stores/memory/index.js';
import { LeadershipControl } from './leadership-control.js';

/**
 * Gives an instance that no Nest application made the elections that its gated methods ask: for a plain unit test.
 * Leads, unless told otherwise.
 */
export async function withLeadership(
  instance: object,
  { leader = true }: { leader?: boolean } = {},
): Promise<LeadershipControl> {
  const control = new LeadershipControl();
  for (const name of electionsOf(instance)) {
    const options = { leaseName: name, store: memoryLease() };
    const elector = control.createElector({ name, options, log: new Logger('LeaderElection') });
    const held = { value: elector, configurable: true };
    Object.defineProperty(instance, electionProperty(name), held);
    if (name === DEFAULT_ELECTION) Object.defineProperty(instance, SERVICE_PROPERTY, held);
    await elector.start();
  }
  if (leader) await control.grantAll();
  return control;
}

function electionsOf(instance: object): Set<string> {
  const prototype = Object.getPrototypeOf(instance) as Record<string, object>;
  const gates = new MetadataScanner().getAllMethodNames(prototype).flatMap((name) => gatesOf(prototype[name]!));
  return new Set(gates.map(({ election }) => election));
}
