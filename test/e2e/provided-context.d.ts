export type { ProvidedContext } from 'vitest';
import type { ClusterAccess } from './control-plane/cluster.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** The cluster of all scenarios that do not disturb the servers themselves. */
    cluster: ClusterAccess;
    /** The binary of the client-go replica. */
    goReplica: string;
  }
}
