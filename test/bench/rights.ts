import { applyManifests } from '../e2e/fleet/manifests.js';
import type { Fleet } from '../e2e/fleet/fleet.js';
import { SERVICE_ACCOUNT } from '../e2e/fleet/mounted-files.js';

/** Rights on every Lease of the namespace: for elections under other names, and for peers that watch them all. */
export async function grantAllLeases({ cluster, namespace }: Fleet): Promise<void> {
  await applyManifests(
    cluster.admin,
    `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: all-leases
  namespace: ${namespace}
rules:
  - apiGroups: ['coordination.k8s.io']
    resources: ['leases']
    verbs: ['create', 'get', 'update', 'list', 'watch']
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: all-leases
  namespace: ${namespace}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: all-leases
subjects:
  - kind: ServiceAccount
    name: ${SERVICE_ACCOUNT}
    namespace: ${namespace}
`,
  );
}
