import { parseArgs } from 'node:util';
import { LeaderElector, kubernetesLease } from 'nestjs-leader';
import { monotonic } from '../replica-lines.js';
import { mountedServiceAccount } from './mounted-service-account.js';
import { sample, say, tell } from './replica-voice.js';

// A replica on the elector itself, without Nest: what most scenarios torment.

const { values } = parseArgs({
  options: {
    lease: { type: 'string', default: 'orders-worker' },
    namespace: { type: 'string' },
    identity: { type: 'string' },
    // Folder as the kubelet mounts it. Absent: the kubeconfig of the environment.
    'service-account': { type: 'string' },
    'lease-duration': { type: 'string', default: '15000' },
    'takeover-grace': { type: 'string', default: '0' },
    'drain-timeout': { type: 'string', default: '20000' },
    'sample-every': { type: 'string', default: '5' },
    'outlast-signal': { type: 'string' },
  },
});

const mounted = values['service-account'];
const store = mounted === undefined ? kubernetesLease() : await mountedServiceAccount(mounted);
const outlast = values['outlast-signal'];
const elector: LeaderElector = new LeaderElector({
  options: {
    leaseName: values.lease,
    namespace: values.namespace,
    identity: values.identity,
    store,
    leaseDuration: Number(values['lease-duration']),
    takeoverGrace: Number(values['takeover-grace']),
    drainTimeout: Number(values['drain-timeout']),
  },
  handlers: tell(() => elector, outlast === undefined ? undefined : Number(outlast)),
  log: { log: console.error, warn: console.error, error: console.error },
});
elector.leader$.subscribe((holder) => holder !== null && say({ kind: 'holder', t: monotonic(), holder }));
const every = Number(values['sample-every']);
const stopSampling = every > 0 ? sample(elector, every) : () => {};
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
