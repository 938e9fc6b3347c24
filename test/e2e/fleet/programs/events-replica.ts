import { kubernetesLease } from 'nestjs-leader';
import { LeaderElector } from 'nestjs-leader/election';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonic } from '../replica-lines.js';
import { mountedServiceAccount } from './mounted-service-account.js';
import { replicaOptions } from './replica-options.js';
import { sample, say } from './replica-voice.js';

// What users of `leader-election` and `@codedependant/kubernetes-leader-election` have after the change that docs/coming-from.md shows:
// an elector with two callbacks, and a job that asks it.

const options = replicaOptions();
mountedServiceAccount(options.serviceAccount);

let timer: NodeJS.Timeout | undefined;
const begin = () => (timer = setInterval(importantWork, 1_000));
const end = () => clearInterval(timer);

const elector = new LeaderElector({
  options: { leaseName: 'orders-worker', store: kubernetesLease() },
  handlers: { acquired: () => begin(), lost: () => end() },
});
await elector.start();
process.once('SIGTERM', () => void elector.shutdown());

async function importantWork() {
  if (!elector.isLeader()) return;
  say({ kind: 'admitted', t: monotonic(), token: String(elector.requireTerm().fencingToken) });
}

elector.leader$.subscribe((holder) => holder !== null && say({ kind: 'holder', t: monotonic(), holder }));
const stopSampling = sample(elector, options.sampleEvery);
elector.leadership$.subscribe({ complete: () => void sleep(options.linger).then(stopSampling) });
say({ kind: 'ready', t: monotonic() });
