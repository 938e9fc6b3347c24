import { readFileSync, writeFileSync } from 'node:fs';
import { ApiClient } from './api-client.js';
import { AuditLog } from './audit-log.js';

/** How to reach a cluster; plain data, so that it crosses from the global setup into the test workers. */
export interface ClusterAccess {
  url: string;
  caFile: string;
  adminToken?: string;
  /** The administrator's client certificate and key, PEM, where there is no token. */
  certificate?: string;
  key?: string;
  /** Absent where the API server is not ours. */
  auditLogFile?: string;
}

export type KubeconfigUser =
  { token: string } | { tokenFile: string } | { 'client-certificate-data'?: string; 'client-key-data'?: string };

/** A cluster as its administrator uses it: objects, tokens, kubeconfig files. */
export class Cluster {
  readonly admin: ApiClient;

  constructor(readonly access: ClusterAccess) {
    const { url, caFile, adminToken, certificate, key } = access;
    this.admin = new ApiClient(url, () => readFileSync(caFile, 'utf8'), { token: adminToken, cert: certificate, key });
  }

  get auditLog(): AuditLog {
    if (!this.access.auditLogFile) throw new Error('This cluster shows no audit log.');
    return new AuditLog(this.access.auditLogFile);
  }

  /** The administrator, as a kubeconfig names a user. */
  get administrator(): KubeconfigUser {
    const { adminToken, certificate, key } = this.access;
    const base64 = (pem?: string) => pem && Buffer.from(pem).toString('base64');
    return adminToken
      ? { token: adminToken }
      : { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) };
  }

  async namespace(name: string): Promise<void> {
    await this.admin.apply(`/api/v1/namespaces/${name}`, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }

  /**
   * A token as the kubelet mounts it: issued by the API server, bound to the ServiceAccount, and to `pod` where given, whose deletion ends it.
   */
  async serviceAccountToken(namespace: string, name: string, pod?: { name: string; uid: string }): Promise<string> {
    const body = await this.admin.must('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 3600, ...(pod && { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', ...pod } }) },
    });
    return (body as { status: { token: string } }).status.token;
  }

  /** Writes a kubeconfig; JSON, which every reader of YAML accepts. */
  kubeconfig(
    file: string,
    user: KubeconfigUser,
    options: { server?: string; namespace?: string; caFile?: string } = {},
  ): string {
    const cluster = {
      server: options.server ?? this.access.url,
      'certificate-authority': options.caFile ?? this.access.caFile,
    };
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'e2e', cluster }],
      users: [{ name: 'e2e', user }],
      contexts: [{ name: 'e2e', context: { cluster: 'e2e', user: 'e2e', namespace: options.namespace ?? 'default' } }],
      'current-context': 'e2e',
    };
    writeFileSync(file, JSON.stringify(config, null, 2), { mode: 0o600 });
    return file;
  }

  close(): void {
    this.admin.close();
  }
}
