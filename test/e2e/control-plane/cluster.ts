import { readFileSync, writeFileSync } from 'node:fs';
import { ApiClient } from './api-client.js';
import { AuditLog } from './audit-log.js';

/** How to reach a cluster; plain data, so that it crosses from the global setup into the test workers. */
export interface ClusterAccess {
  url: string;
  caFile: string;
  adminToken: string;
  auditLogFile: string;
}

/** A cluster as its administrator uses it: objects, tokens, kubeconfig files. */
export class Cluster {
  readonly admin: ApiClient;
  readonly auditLog: AuditLog;

  constructor(readonly access: ClusterAccess) {
    this.admin = new ApiClient(access.url, () => readFileSync(access.caFile, 'utf8'), access.adminToken);
    this.auditLog = new AuditLog(access.auditLogFile);
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
    user: { token: string } | { tokenFile: string },
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
