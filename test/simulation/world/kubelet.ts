import type { Incarnation } from '../../../lib/stores/kubernetes/crash/incarnation.js';
import type { PodObject } from '../../../lib/stores/kubernetes/crash/proof-of-death.js';
import { proofOf } from '../../../lib/stores/kubernetes/crash/termination-log.js';
import type { Random } from './random.js';

const POD = { name: 'pod', namespace: 'default', uid: 'uid' };
const TIMES = { startedAt: '2030-01-01T00:00:00Z', finishedAt: '2030-01-01T00:01:00Z' };
const ENDED = { containerID: 'containerd://0a1b2c', reason: 'Error', exitCode: 137, ...TIMES };
const RUNNING = { name: 'app', state: {} };

/** What a Pod's status may say while its process lives: none of it is a proof of death. */
const LIES: readonly ((message: string, foreign: string) => PodObject)[] = [
  // The node does not answer, and the control plane gives the Pod up.
  () => ({
    metadata: POD,
    spec: {},
    status: { phase: 'Failed', reason: 'NodeLost', containerStatuses: [RUNNING] } as object,
  }),
  // Nothing is known of any container.
  () => ({ metadata: POD, spec: {}, status: { containerStatuses: [] } }),
  // The kubelet lost sight of a container, and makes its end up: only the status around it names a container.
  (message) =>
    of({
      name: 'app',
      containerID: ENDED.containerID,
      lastState: { terminated: { ...ENDED, containerID: '', message } },
    }),
  (message) => of({ name: 'app', lastState: { terminated: { ...ENDED, reason: 'ContainerStatusUnknown', message } } }),
  (message) => of({ name: 'app', state: { terminated: { ...ENDED, exitCode: 255, message } } }),
  // A sidecar printed the line, and ended.
  (message) => of(RUNNING, { name: 'sidecar', state: { terminated: { ...ENDED, message } } }),
  // The container was started again in place: that was the process before.
  (_, foreign) => of({ ...RUNNING, lastState: { terminated: { ...ENDED, message: foreign } } }),
  // Without a line, whatever the runtime says.
  () => of({ name: 'app', state: { terminated: { ...ENDED, message: '' } } }),
  // The namespace of processes is shared: the end of the first process is not the end of all.
  (message) =>
    of({ name: 'app', state: { terminated: { ...ENDED, message } } }, undefined, { shareProcessNamespace: true }),
  (message) =>
    of({ name: 'app', state: { terminated: { ...ENDED, message } } }, undefined, { ephemeralContainers: [{}] }),
  // Another Pod of the same name.
  (message) => ({
    ...of({ name: 'app', state: { terminated: { ...ENDED, message } } }),
    metadata: { ...POD, uid: 'other' },
  }),
];

function of(app: object, sidecar: object = { name: 'sidecar', state: {} }, spec: object = {}): PodObject {
  return { metadata: POD, spec, status: { containerStatuses: [app, sidecar] as never } };
}

/** What the API server shows of the Pod of one process: the truth when it is dead, and before that whatever it may be. */
export class Kubelet {
  readonly who: Incarnation;
  private readonly message: string;
  private readonly foreign: string;

  constructor(
    identity: string,
    private readonly luck: Random,
  ) {
    const nonce = proofOf(identity).slice(0, 32);
    this.message = `the last words\nleader=${nonce}\n`;
    this.foreign = `leader=${proofOf(`before ${identity}`).slice(0, 32)}\n`;
    this.who = { namespace: POD.namespace, pod: POD.name, uid: POD.uid, container: 'app', proof: proofOf(nonce) };
  }

  /** Of a process that is dead. */
  end(): PodObject {
    return of({ name: 'app', state: { terminated: { ...ENDED, message: this.message } } });
  }

  /** Of one that may live. */
  lie(): PodObject {
    return this.luck.pick(LIES)(this.message, this.foreign);
  }
}
