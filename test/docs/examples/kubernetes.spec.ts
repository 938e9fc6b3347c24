import { Controller, Get, ServiceUnavailableException } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { parseAllDocuments } from 'yaml';
import { kubernetesLease, LeaderElectionModule, LeaderElectionService, memoryLease } from 'nestjs-leader';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rightsFor } from '../../../lib/stores/kubernetes/api/rights.js';
import { leaderLabel } from '../../../lib/stores/kubernetes/extras/pod-label.js';
import { Page } from '../pages.js';

interface Manifest {
  kind?: string;
  rules?: { apiGroups: string[]; resources: string[]; resourceNames?: string[]; verbs: string[] }[];
  spec?: { selector?: Record<string, string> };
}

const manifests = new Page('docs/kubernetes.md').codeBlocks
  .filter(({ language }) => language === 'yaml')
  .flatMap(({ text }) => parseAllDocuments(text).map((document) => document.toJS() as Manifest));

const manifest = (kind: string) => manifests.find((candidate) => candidate.kind === kind)!;

describe('the manifests of docs/kubernetes.md', () => {
  it('grant exactly what the store asks for with everything switched on', () => {
    const needed = rightsFor('orders-worker', { labelLeaderPod: true, detectCrash: true }).map(
      ({ group, resource, verb, name }) => {
        // A create cannot be limited by name.
        return [group, resource, verb, verb === 'create' ? '' : (name ?? '')].join(' ');
      },
    );
    const granted = manifest('Role').rules!.flatMap(({ apiGroups, resources, resourceNames = [''], verbs }) =>
      verbs.map((verb) => [apiGroups[0], resources[0], verb, resourceNames[0]].join(' ')),
    );
    expect(granted.toSorted()).toEqual(needed.toSorted());
  });

  it('are opened with crash detection', () => {
    const store =
      // ...
      kubernetesLease({ detectCrash: true });
    expect(store.open({ name: 'orders-worker' }).watchHolder).toBeTypeOf('function');
    expect(kubernetesLease().open({ name: 'orders-worker' }).watchHolder).toBeUndefined();
  });

  it('select the leader by the label that the store puts on its Pod', () => {
    expect(manifest('Service').spec!.selector).toEqual({ [leaderLabel('orders-worker')]: 'leader' });
    const store =
      // ...
      kubernetesLease({ labelLeaderPod: true });
    expect(() => store.open({ name: 'orders-worker' })).not.toThrow();
  });
});

@Controller()
class Probes {
  constructor(private readonly election: LeaderElectionService) {}

  @Get('ready')
  ready(): string {
    if (!this.election.isReady()) throw new ServiceUnavailableException();
    return 'ready';
  }
}

describe('the readiness probe of docs/kubernetes.md', () => {
  it('is up once the replica could take over', async () => {
    const module = await Test.createTestingModule({
      imports: [LeaderElectionModule.forRoot({ leaseName: 'orders-worker', store: memoryLease() })],
      controllers: [Probes],
    }).compile();
    onTestFinished(() => module.close());
    const probes = module.get(Probes);
    expect(() => probes.ready()).toThrow(ServiceUnavailableException);
    await module.init();
    await expect.poll(() => module.get(LeaderElectionService).isReady()).toBe(true);
    expect(probes.ready()).toBe('ready');
  });
});
