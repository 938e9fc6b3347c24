import type { Incarnation } from './incarnation.js';
import { NONCE_LINE, proofOf } from './termination-log.js';

/** The parts of a Pod that tell whether one of its containers is dead. Everything in it is somebody else's word until checked. */
export interface PodObject {
  readonly metadata?: { readonly name?: unknown; readonly namespace?: unknown; readonly uid?: unknown };
  readonly spec?: {
    readonly shareProcessNamespace?: unknown;
    readonly hostPID?: unknown;
    readonly runtimeClassName?: unknown;
    readonly ephemeralContainers?: readonly unknown[];
    readonly initContainers?: readonly { readonly name?: unknown; readonly restartPolicy?: unknown }[];
  };
  readonly status?: {
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

interface ContainerStatus {
  readonly name?: unknown;
  readonly state?: { readonly terminated?: Terminated };
  readonly lastState?: { readonly terminated?: Terminated };
}

interface Terminated {
  readonly containerID?: unknown;
  readonly reason?: unknown;
  readonly exitCode?: unknown;
  readonly message?: unknown;
  readonly startedAt?: unknown;
  readonly finishedAt?: unknown;
}

/** Runtimes whose word for the end of a container is that of the shim that waited for it. */
const RUNTIMES = /^(containerd|cri-o):\/\/[0-9a-f]+$/;
const REASONS = new Set(['Completed', 'Error', 'OOMKilled']);

/**
 * Whether the Pod proves that this very process is dead: its own container ended as containers do, and shows the nonce that the process
 * left behind. A phase, a missing container, a node that is gone, another container or an earlier run of this one prove nothing.
 */
export function provesDeath(pod: PodObject, who: Incarnation): boolean {
  const { metadata = {}, spec, status } = pod;
  if (metadata.uid !== who.uid || metadata.name !== who.pod || metadata.namespace !== who.namespace) return false;
  if (spec === undefined || status === undefined || !endsWithItsFirstProcess(spec)) return false;
  return statusesOf(pod, who.container).some(
    ({ state, lastState }) => isEndOf(state?.terminated, who) || isEndOf(lastState?.terminated, who),
  );
}

/** All processes of a container end with its first, unless they share a process namespace with something that goes on. */
function endsWithItsFirstProcess(spec: NonNullable<PodObject['spec']>): boolean {
  const { shareProcessNamespace, hostPID, runtimeClassName, ephemeralContainers = [] } = spec;
  const shares = (shareProcessNamespace ?? false) !== false || (hostPID ?? false) !== false;
  // Another runtime may tell of a sandbox what it does not know. An ephemeral container may target the processes of another.
  return !shares && (runtimeClassName ?? null) === null && ephemeralContainers.length === 0;
}

/** Init containers count where they are sidecars: the others end before the work begins. */
function statusesOf({ spec, status }: PodObject, container: string): readonly ContainerStatus[] {
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const isSidecar = sidecars.some(({ name }) => name === container);
  const ofInit = isSidecar ? (status?.initContainerStatuses ?? []) : [];
  return [...(status?.containerStatuses ?? []), ...ofInit].filter(({ name }) => name === container);
}

function isEndOf(end: Terminated | undefined, { proof }: Incarnation): boolean {
  if (end === undefined || end === null) return false;
  const { containerID, reason, exitCode, message, startedAt, finishedAt } = end;
  // What the kubelet makes up for a container that it lost sight of has no ID, no times, or another reason.
  const isSeen =
    typeof containerID === 'string' &&
    RUNTIMES.test(containerID) &&
    typeof reason === 'string' &&
    REASONS.has(reason) &&
    isTime(startedAt) &&
    isTime(finishedAt);
  // 255 is also what a runtime answers that does not know.
  const isKnown = typeof exitCode === 'number' && Number.isInteger(exitCode) && exitCode >= 0 && exitCode < 255;
  return isSeen && isKnown && typeof message === 'string' && shows(message, proof);
}

function shows(message: string, proof: string): boolean {
  return message.split('\n').some((line) => {
    const nonce = NONCE_LINE.exec(line)?.[1];
    return nonce !== undefined && proofOf(nonce) === proof;
  });
}

/** The zero time of Go stands for none. */
function isTime(value: unknown): boolean {
  return typeof value === 'string' && Date.parse(value) > 0;
}
