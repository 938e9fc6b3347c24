import { parseArgs } from 'node:util';

/** What the replica programs are told on their command line. */
export function replicaOptions() {
  const { values } = parseArgs({
    options: {
      // Folder of token, CA and namespace, as the kubelet mounts it.
      'service-account': { type: 'string', default: '' },
      lease: { type: 'string', default: 'orders-worker' },
      identity: { type: 'string' },
      'takeover-grace': { type: 'string', default: '0' },
      'drain-timeout': { type: 'string', default: '20000' },
      'sample-every': { type: 'string', default: '5' },
      'outlast-signal': { type: 'string' },
      // How the process ends when it hears SIGUSR2.
      'end-by': { type: 'string', default: 'exit' },
      linger: { type: 'string', default: '0' },
    },
  });
  const outlast = values['outlast-signal'];
  return {
    serviceAccount: values['service-account'],
    sampleEvery: Number(values['sample-every']),
    /** Milliseconds that the work of a term goes on after its signal has aborted; absent: none. */
    outlast: outlast === undefined ? undefined : Number(outlast),
    endBy: values['end-by'],
    /** Milliseconds for which the process lives on after its election has stopped. */
    linger: Number(values.linger),
    election: {
      leaseName: values.lease,
      identity: values.identity,
      takeoverGrace: Number(values['takeover-grace']),
      drainTimeout: Number(values['drain-timeout']),
    },
  };
}
