/** The parts of `KubeConfig` of `@kubernetes/client-node` in use, spelled out so that its types are no dependency of ours. */
export interface KubeConfigLike {
  getCurrentContext(): string;
  getContextObject(name: string): { readonly namespace?: string } | null;
  getCurrentCluster(): { readonly server: string; readonly proxyUrl?: string } | null;
  // oxlint-disable-next-line typescript/no-explicit-any -- its parameter is node's RequestOptions, of which it fills in some.
  applyToHTTPSOptions(options: any): Promise<void>;
}

/** Of {@link kubernetesLease}. All optional: in a pod it needs none. */
export interface KubernetesLeaseOptions {
  /**
   * Path of a kubeconfig, or a `KubeConfig` of `@kubernetes/client-node`. Default: in a pod its ServiceAccount; elsewhere
   * `KUBECONFIG`, then `~/.kube/config`.
   */
  kubeConfig?: KubeConfigLike | string;
  /**
   * Events on the Lease, as client-go writes them: `kubectl describe lease` shows who became leader and who stopped leading. Default
   * true; needs `create` on `events`, and goes without where the role does not allow it.
   */
  events?: boolean;
  /**
   * Labels the leader's own Pod `nestjs-leader/<lease>: leader`, for a Service that selects the leader. A new leader takes the label
   * off other Pods. It follows leadership by some milliseconds, after a crash by a lease duration: what it routes to is most likely
   * the leader, never certainly. Default false; needs `patch` on `pods` (which allows more than labels: hence not the default) and,
   * to clean up after a crash, `list`. The Pod is `POD_NAME` of the environment, else the one that the token names, else the host name.
   */
  labelLeaderPod?: boolean;
  /**
   * Lets a standby take over a second or two after the leader's process has died (SIGKILL, out of memory, a crash), and not only when its
   * lease has ended. The proof is a nonce that each replica leaves in its container's termination log: the kubelet shows it in the Pod's
   * status once the container is dead, and in no other case. Default false. Needs `list` and `watch` on `pods`, the kubelet's
   * `/dev/termination-log`, a projected token, and Node as the container's first process; where something is missing the log says so
   * once, and the lease is waited out as before. A term that is younger than a lease duration is waited out for so long.
   */
  detectCrash?: boolean;
  /**
   * Of `detectCrash`: how long a proven death is left alone, milliseconds, because a request that the dead process has sent may still
   * arrive. Default 500.
   */
  crashGrace?: number;
  /**
   * Lets a replica that has just started count the lease's expiry from its last write, by the API server's clock, instead of
   * from when it first saw it: up to one lease duration sooner after a crash of everything. Default false, for the risk: those
   * are wall clocks. One that is set forward, or that differs between several API servers, makes a living leader look expired,
   * and two replicas lead at once; only fencing tokens hold then.
   */
  trustServerClock?: boolean;
}
