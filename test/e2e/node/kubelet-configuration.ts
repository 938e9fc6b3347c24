import { join } from 'node:path';
import type { NodeFolders } from './node-folders.js';

export interface KubeletSettings {
  port: number;
  folders: NodeFolders;
  /** As the kubelet names it: from the root of the hierarchy. */
  cgroupRoot: string;
  /** Address of the container runtime. */
  runtime: string;
  /** Who may ask this kubelet for logs and shells: whom this authority has certified. */
  clientCaFile: string;
}

/** A kubelet that keeps to its own folders, ports of loopback and control groups, and leaves the machine's firewall alone. */
export function kubeletConfiguration({ port, folders, cgroupRoot, runtime, clientCaFile }: KubeletSettings): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: '127.0.0.1',
    port,
    readOnlyPort: 0,
    healthzPort: 0,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: false },
      x509: { clientCAFile: clientCaFile },
    },
    authorization: { mode: 'AlwaysAllow' },
    containerRuntimeEndpoint: runtime,
    cgroupDriver: 'cgroupfs',
    cgroupRoot,
    // Version 1 is refused by default since it was deprecated, but it is what some sandboxes have.
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: [],
    // Lowering it needs CAP_SYS_RESOURCE, which root in a sandbox may lack.
    oomScoreAdj: 0,
    makeIPTablesUtilChains: false,
    resolvConf: '/dev/null',
    podLogsDir: folders.logs,
    volumePluginDir: join(folders.data, 'volume-plugins'),
    // The disk of a developer is as full as it is; and an image that is collected cannot be pulled again.
    evictionHard: {
      'memory.available': '1Mi',
      'nodefs.available': '1%',
      'imagefs.available': '1%',
      'nodefs.inodesFree': '0%',
    },
    imageGCHighThresholdPercent: 100,
    localStorageCapacityIsolation: false,
    // A test that reads lines as they come must not find the file cut in between.
    containerLogMaxSize: '1Gi',
  };
}
