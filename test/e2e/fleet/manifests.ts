import type { ApiClient } from '../control-plane/api-client.js';

const COLLECTIONS: Record<string, string> = {
  Namespace: '/api/v1/namespaces',
  ServiceAccount: '/api/v1/namespaces/{namespace}/serviceaccounts',
  Role: '/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles',
  RoleBinding: '/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings',
  Deployment: '/apis/apps/v1/namespaces/{namespace}/deployments',
  PodDisruptionBudget: '/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets',
};

/** Applies YAML documents on the server, which validates them strictly: a misspelt field is an error. Returns the kinds, in order. */
export async function applyManifests(admin: ApiClient, yaml: string): Promise<string[]> {
  const kinds: string[] = [];
  for (const document of yaml.split(/^---$/m)) {
    // The server reads the YAML; only the address has to be known here, and it stands at the start of lines.
    const field = (pattern: RegExp) => pattern.exec(document)?.[1];
    const kind = field(/^kind: (\w+)$/m) ?? '';
    const name = field(/^ {2}name: (\S+)$/m);
    const namespace = field(/^ {2}namespace: (\S+)$/m);
    const collection = COLLECTIONS[kind]?.replace('{namespace}', namespace ?? 'default');
    if (!collection || !name) throw new Error(`Cannot tell where to apply this:\n${document}`);
    await admin.apply(`${collection}/${name}`, document);
    kinds.push(kind);
  }
  return kinds;
}
