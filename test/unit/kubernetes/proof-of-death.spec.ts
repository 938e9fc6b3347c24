import { describe, expect, it } from 'vitest';
import type { Incarnation } from '../../../lib/stores/kubernetes/crash/incarnation.js';
import { provesDeath, type PodObject } from '../../../lib/stores/kubernetes/crash/proof-of-death.js';
import { proofOf } from '../../../lib/stores/kubernetes/crash/termination-log.js';

const NONCE = '0123456789abcdef0123456789abcdef';
const who: Incarnation = { namespace: 'shop', pod: 'orders-1', uid: 'u1', container: 'app', proof: proofOf(NONCE) };

const end = (change: object = {}) => ({
  containerID: 'containerd://0a1b2c',
  reason: 'Error',
  exitCode: 137,
  message: `\nleader=${NONCE}\n`,
  startedAt: '2026-11-27T10:00:00Z',
  finishedAt: '2026-11-27T10:05:00Z',
  ...change,
});

interface Change {
  metadata?: object;
  spec?: object;
  status?: object;
}

function pod({ metadata = {}, spec = {}, status = {} }: Change = {}): PodObject {
  return {
    metadata: { name: 'orders-1', namespace: 'shop', uid: 'u1', ...metadata },
    spec: { ...spec },
    status: { containerStatuses: [{ name: 'app', state: { terminated: end() } }], ...status },
  };
}

const appWith = (change: object): Change => ({
  status: { containerStatuses: [{ name: 'app', state: { terminated: end(change) } }] },
});

describe('the Pod of a holder proves its death', () => {
  it.each<[string, Change]>([
    ['when its container has ended and shows its nonce', {}],
    ['when it ran out of memory', appWith({ reason: 'OOMKilled' })],
    ['when it exited in good order', appWith({ reason: 'Completed', exitCode: 0 })],
    ['under CRI-O', appWith({ containerID: 'cri-o://0a1b2c' })],
    ['beside what else stands in the log', appWith({ message: `bye\nleader=${NONCE}\nFatal\n` })],
    [
      'when the container runs again in place',
      { status: { containerStatuses: [{ name: 'app', state: { running: {} }, lastState: { terminated: end() } }] } },
    ],
    [
      'in a sidecar that is an init container',
      {
        spec: { initContainers: [{ name: 'app', restartPolicy: 'Always' }] },
        status: { containerStatuses: [], initContainerStatuses: [{ name: 'app', state: { terminated: end() } }] },
      },
    ],
  ])('%s', (_, change) => {
    expect(provesDeath(pod(change), who)).toBe(true);
  });
});

describe('no proof of death', () => {
  it.each<[string, Change]>([
    ['another Pod of that name', { metadata: { uid: 'u2' } }],
    ['another name', { metadata: { name: 'orders-2' } }],
    ['another namespace', { metadata: { namespace: 'other' } }],
    ['a container that runs', { status: { containerStatuses: [{ name: 'app', state: { running: {} } }] } }],
    ['no status of the container', { status: { containerStatuses: [] } }],
    ['a phase', { status: { phase: 'Failed', containerStatuses: [] } }],
    ['the nonce of another incarnation', appWith({ message: `\nleader=${NONCE.replace('0', '1')}\n` })],
    ['the hash in place of the nonce', appWith({ message: `\nleader=${who.proof}\n` })],
    ['no message', appWith({ message: undefined })],
    ['the nonce in the middle of a line', appWith({ message: `log: leader=${NONCE}` })],
    [
      'another container that shows the nonce',
      {
        status: {
          containerStatuses: [
            { name: 'app', state: { running: {} } },
            { name: 'sidecar', state: { terminated: end() } },
          ],
        },
      },
    ],
    [
      'an init container that has ended, as those do',
      {
        spec: { initContainers: [{ name: 'app' }] },
        status: { containerStatuses: [], initContainerStatuses: [{ name: 'app', state: { terminated: end() } }] },
      },
    ],
    [
      'an ephemeral container',
      {
        status: { containerStatuses: [], ephemeralContainerStatuses: [{ name: 'app', state: { terminated: end() } }] },
      },
    ],
    ['ephemeral containers beside it, which may share its processes', { spec: { ephemeralContainers: [{}] } }],
    ['a shared process namespace', { spec: { shareProcessNamespace: true } }],
    ['the process namespace of the host', { spec: { hostPID: true } }],
    ['another runtime class', { spec: { runtimeClassName: 'gvisor' } }],
    ['no ID of the container', appWith({ containerID: '' })],
    ['another runtime', appWith({ containerID: 'docker://0a1b2c' })],
    ['a status that the kubelet made up', appWith({ reason: 'ContainerStatusUnknown' })],
    ['an exit code that nobody saw', appWith({ exitCode: 255 })],
    ['a negative exit code', appWith({ exitCode: -1 })],
    ['no exit code', appWith({ exitCode: undefined })],
    ['no end', appWith({ finishedAt: null })],
    ['the zero time', appWith({ startedAt: '0001-01-01T00:00:00Z' })],
  ])('%s', (_, change) => {
    expect(provesDeath(pod(change), who)).toBe(false);
  });

  it('a Pod without spec or status', () => {
    const { metadata } = pod();
    expect(provesDeath({ metadata }, who)).toBe(false);
    expect(provesDeath({}, who)).toBe(false);
  });

  it('a containerID outside the state that ended', () => {
    const running = {
      name: 'app',
      containerID: 'containerd://0a1b2c',
      state: { terminated: end({ containerID: '' }) },
    };
    expect(provesDeath(pod({ status: { containerStatuses: [running] } }), who)).toBe(false);
  });
});
