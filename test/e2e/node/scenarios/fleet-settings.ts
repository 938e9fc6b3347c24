/** Ours; client-go as it is recommended; and client-go without `ReleaseOnCancel`, which is its default. */
export type FleetKind = 'ours' | 'client-go' | 'client-go-unreleased';

export interface FleetSettings {
  kind: FleetKind;
  replicas: number;
  /** Default 25%, as Kubernetes has it. */
  surge?: '0' | '25%' | '100%';
  /** Milliseconds, of ours. Default 15 000, as client-go's. */
  leaseDuration?: number;
  /** Default true. */
  detectCrash?: boolean;
  labelLeaderPod?: boolean;
  /** `enableShutdownHooks()` without a list of signals. */
  hooksAllSignals?: boolean;
  hasLiveness?: boolean;
  /** How long the token of a Pod lives. */
  tokenSeconds?: number;
  /** The test marks the leader's Pod as the one that a ReplicaSet should delete last. */
  keepsLeader?: boolean;
}
