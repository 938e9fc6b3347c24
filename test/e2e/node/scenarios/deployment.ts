import type { FleetSettings } from './fleet-settings.js';
import { NAMESPACE } from './namespace.js';

/** What a rollout may have too many and too few of; with none to spare it has to do without one. */
const UNAVAILABLE = { '0': 1, '25%': '25%', '100%': 0 } as const;
const TOKEN_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface Version {
  image: 1 | 2;
  /** Changed by `kubectl rollout restart`, and by nothing else. */
  restartedAt?: string;
  /** It cannot start. */
  isBroken?: boolean;
}

export function deployment(name: string, settings: FleetSettings, version: Version, apiServer: string): object {
  const { replicas, surge = '25%', tokenSeconds } = settings;
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      strategy: {
        type: 'RollingUpdate',
        rollingUpdate: { maxSurge: surge === '0' ? 0 : surge, maxUnavailable: UNAVAILABLE[surge] },
      },
      template: {
        metadata: { labels, annotations: { 'kubectl.kubernetes.io/restartedAt': version.restartedAt ?? '' } },
        spec: {
          serviceAccountName: 'application',
          // There is no network of Pods: no plugin makes one.
          hostNetwork: true,
          terminationGracePeriodSeconds: 30,
          containers: [container(name, settings, version, apiServer)],
          ...(tokenSeconds && { automountServiceAccountToken: false, volumes: [tokenVolume(tokenSeconds)] }),
        },
      },
    },
  };
}

function container(name: string, settings: FleetSettings, version: Version, apiServer: string): object {
  const program = settings.kind === 'ours' ? ours(name, settings, version) : goReplica(name, settings, version);
  return {
    ...program,
    env: [...environment(apiServer), ...program.env],
    imagePullPolicy: 'Never',
    resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '256Mi' } },
    securityContext: { allowPrivilegeEscalation: false, runAsNonRoot: true, runAsUser: 1000 },
    ...(settings.tokenSeconds && { volumeMounts: [{ name: 'token', mountPath: TOKEN_FOLDER, readOnly: true }] }),
  };
}

function environment(apiServer: string): object[] {
  const { hostname, port } = new URL(apiServer);
  return [
    { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    // The address of the Service leads nowhere without kube-proxy.
    { name: 'KUBERNETES_SERVICE_HOST', value: hostname },
    { name: 'KUBERNETES_SERVICE_PORT', value: port },
  ];
}

function ours(name: string, settings: FleetSettings, { image, isBroken }: Version) {
  const { leaseDuration = 15_000, detectCrash = true, labelLeaderPod = false, hasLiveness = false } = settings;
  const probe = (path: string) => ({ exec: { command: ['/probe', path] }, timeoutSeconds: 10 });
  return {
    name: 'application',
    image: `application:${image}`,
    env: [
      { name: 'LEASE', value: name },
      { name: 'LEASE_DURATION', value: String(leaseDuration) },
      { name: 'DETECT_CRASH', value: detectCrash ? '1' : '0' },
      { name: 'LABEL_LEADER_POD', value: labelLeaderPod ? '1' : '0' },
      { name: 'HOOKS_ALL_SIGNALS', value: settings.hooksAllSignals ? '1' : '0' },
      { name: 'BROKEN', value: isBroken ? '1' : '0' },
      // Far above what it needs, and small enough to be used up within a second.
      { name: 'NODE_OPTIONS', value: '--max-old-space-size=80' },
    ],
    // Soon ready; and then not asked so often that the asking is what the machine is busy with.
    startupProbe: { ...probe('/ready'), periodSeconds: 1, failureThreshold: 60 },
    readinessProbe: { ...probe('/ready'), periodSeconds: 10 },
    ...(hasLiveness && { livenessProbe: { ...probe('/alive'), periodSeconds: 1, failureThreshold: 3 } }),
  };
}

/** As operators set client-go up: called like the Pod, its defaults for all times. */
function goReplica(name: string, { kind }: FleetSettings, { image, isBroken }: Version) {
  return {
    name: 'replica',
    image: `go-replica:${image}`,
    args: [
      `--lease=${name}`,
      `--namespace=${NAMESPACE}`,
      '--identity=$(POD_NAME)',
      '--sample-every=20ms',
      `--release-on-cancel=${kind !== 'client-go-unreleased'}`,
      ...(isBroken ? ['--no-such-flag'] : []),
    ],
    env: [],
  };
}

/** The token that a Pod has anyway lives for an hour; this one is mounted in its place. */
function tokenVolume(expirationSeconds: number): object {
  const sources = [
    { serviceAccountToken: { path: 'token', expirationSeconds } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
  ];
  return { name: 'token', projected: { sources } };
}
