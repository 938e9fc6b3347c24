import { LEASES } from './lease-api.js';
import { EVENTS } from '../extras/lease-events.js';
import type { KubernetesLeaseOptions } from '../options.js';
import type { Right } from './rbac.js';

/** A right and what it is for, as somebody reads it who has to decide whether to grant it. */
export interface Need extends Right {
  readonly purpose: string;
}

/** Everything that the options ask of a role, in the lease's namespace (pods: in that of the pod, mostly the same). */
export function rightsFor(
  lease: string,
  options: Pick<KubernetesLeaseOptions, 'events' | 'labelLeaderPod' | 'detectCrash'>,
): readonly Need[] {
  const onLease = (verb: string, purpose: string): Need => ({ ...LEASES, verb, name: lease, purpose });
  const onPods = (verb: string, purpose: string): Need => ({ group: '', resource: 'pods', verb, purpose });
  return [
    onLease('get', 'to see who leads'),
    onLease('update', 'to lead'),
    onLease('create', 'to lead where the lease does not exist yet'),
    onLease('watch', 'to take over within milliseconds; without it the lease is polled'),
    onLease('list', 'to watch without a gap, and to count tokens on across a deletion'),
    ...(options.events === false
      ? []
      : [{ ...EVENTS, purpose: 'for events on the lease (`events: false` goes without)' }]),
    ...(options.labelLeaderPod
      ? [onPods('patch', 'to label the leader'), onPods('list', 'to unlabel a crashed one')]
      : []),
    ...(options.detectCrash
      ? [onPods('list', 'to see a crash of the leader'), onPods('watch', 'to see a crash of the leader at once')]
      : []),
  ];
}
