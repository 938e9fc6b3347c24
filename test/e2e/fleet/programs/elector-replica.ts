import { LeaderElector } from 'nestjs-leader';
import { monotonic } from '../replica-lines.js';
import { mountedServiceAccount } from './mounted-service-account.js';
import { replicaOptions } from './replica-options.js';
import { sample, say, tell } from './replica-voice.js';

// A replica on the elector itself, without Nest: what most scenarios torment.

const { serviceAccount, sampleEvery, outlast, election } = replicaOptions();
const store = mountedServiceAccount(serviceAccount);
const elector: LeaderElector = new LeaderElector({
  options: { ...election, store },
  handlers: tell(() => elector, outlast),
  log: { log: console.error, warn: console.error, error: console.error },
});
elector.leader$.subscribe((holder) => holder !== null && say({ kind: 'holder', t: monotonic(), holder }));
const stopSampling = sample(elector, sampleEvery);
await elector.start();
say({ kind: 'ready', t: monotonic() });

process.once('SIGTERM', () => {
  void (async () => {
    await elector.shutdown();
    await store.close?.();
    stopSampling();
    // No process.exit(): that it ends by itself shows that nothing is left open.
    say({ kind: 'stopped', t: monotonic() });
  })();
});
