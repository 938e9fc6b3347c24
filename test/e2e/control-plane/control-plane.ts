import { randomBytes, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiClient } from './api-client.js';
import { auditPolicy } from './audit-log.js';
import { controlPlaneBinaries } from './binaries.js';
import { CertificateAuthority } from './certificates.js';
import { Cluster } from './cluster.js';
import { freePorts } from './free-ports.js';
import { ServerProcess } from './server-process.js';

/** A kubelet as the API server knows it: the Node it is, and the token that proves it. */
export interface NodeUser {
  name: string;
  token: string;
}

export interface ControlPlaneOptions {
  /** The node that is going to join; see ../node/node.ts. */
  node?: NodeUser;
}

/**
 * A real API server and its etcd on loopback, with TLS, RBAC and an audit log, for as long as a test wants them.
 * There is no controller manager and no kubelet: Pods stay objects, nothing is garbage collected, until a Node joins.
 */
export class ControlPlane extends Cluster {
  private constructor(
    private readonly directory: string,
    url: string,
    caFile: string,
    adminToken: string,
    readonly etcd: ServerProcess,
    readonly apiServer: ServerProcess,
    readonly node: NodeUser | undefined,
  ) {
    super({ url, caFile, adminToken, auditLogFile: join(directory, 'audit.log') });
  }

  /** Resolves when both servers answer. The first call on a machine builds them. */
  static async start({ node }: ControlPlaneOptions = {}): Promise<ControlPlane> {
    const binaries = await controlPlaneBinaries();
    const directory = mkdtempSync(join(tmpdir(), 'nestjs-leader-cluster-'));
    const file = (name: string, content?: string) => {
      if (content !== undefined) writeFileSync(join(directory, name), content, { mode: 0o600 });
      return join(directory, name);
    };
    const [client, peer, secure] = await freePorts(3);
    const adminToken = randomBytes(16).toString('hex');
    const serviceAccounts = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const authority = new CertificateAuthority('nestjs-leader-e2e');
    const serving = authority.serving(['127.0.0.1', 'localhost']);
    const caFile = file('ca.crt', authority.certificate);
    const url = `https://127.0.0.1:${secure}`;
    const tokens = [`${adminToken},admin,admin,system:masters`];
    if (node) tokens.push(`${node.token},system:node:${node.name},${node.name},system:nodes`);
    const [servingCertificate, servingKey] = [
      file('serving.crt', serving.certificate),
      file('serving.key', serving.key),
    ];

    const etcd = new ServerProcess(
      'etcd',
      binaries.etcd,
      [
        `--data-dir=${file('etcd')}`,
        `--listen-client-urls=http://127.0.0.1:${client}`,
        `--advertise-client-urls=http://127.0.0.1:${client}`,
        `--listen-peer-urls=http://127.0.0.1:${peer}`,
        `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
        `--initial-cluster=default=http://127.0.0.1:${peer}`,
      ],
      file('etcd.log', ''),
      () => answers(`http://127.0.0.1:${client}/health`),
    );
    mkdirSync(file('certificates'));
    const admin = new ApiClient(url, () => readFileSync(caFile, 'utf8'), { token: adminToken });
    const apiServer = new ServerProcess(
      'kube-apiserver',
      binaries.apiServer,
      [
        `--etcd-servers=http://127.0.0.1:${client}`,
        '--bind-address=127.0.0.1',
        '--advertise-address=127.0.0.1',
        `--secure-port=${secure}`,
        `--cert-dir=${file('certificates')}`,
        `--tls-cert-file=${servingCertificate}`,
        `--tls-private-key-file=${servingKey}`,
        `--authorization-mode=${node ? 'Node,RBAC' : 'RBAC'}`,
        `--token-auth-file=${file('tokens.csv', `${tokens.join('\n')}\n`)}`,
        '--service-account-issuer=https://kubernetes.default.svc',
        `--service-account-key-file=${file('sa.pub', serviceAccounts.publicKey.export({ type: 'spki', format: 'pem' }).toString())}`,
        `--service-account-signing-key-file=${file('sa.key', serviceAccounts.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString())}`,
        '--service-cluster-ip-range=10.0.0.0/24',
        // There is no Service network here; the default reconciler refuses a loopback address every ten seconds.
        '--endpoint-reconciler-type=none',
        // Off by default, and with it the API server itself drops the Lease fields that an elector must keep.
        '--feature-gates=CoordinatedLeaderElection=true',
        '--runtime-config=coordination.k8s.io/v1beta1=true',
        `--audit-policy-file=${file('audit-policy.json', JSON.stringify(auditPolicy))}`,
        `--audit-log-path=${file('audit.log', '')}`,
        ...(node
          ? [
              '--enable-admission-plugins=NodeRestriction',
              '--allow-privileged',
              // How `kubectl logs` and `exec` get through: the kubelet lets in whom this cluster's authority has certified, nobody else.
              `--kubelet-client-certificate=${servingCertificate}`,
              `--kubelet-client-key=${servingKey}`,
            ]
          : []),
      ],
      file('kube-apiserver.log', ''),
      // Refused connections and unready answers are what it is being asked for.
      () =>
        admin
          .call('GET', '/readyz')
          .then((answer) => answer.status === 200)
          .catch(() => false),
    );
    const controlPlane = new ControlPlane(directory, url, caFile, adminToken, etcd, apiServer, node);
    try {
      await etcd.start();
      await apiServer.start();
      return controlPlane;
    } catch (error) {
      await controlPlane.stop();
      throw error;
    } finally {
      admin.close();
    }
  }

  /** Signs the tokens of ServiceAccounts. */
  get serviceAccountKeyFile(): string {
    return join(this.directory, 'sa.key');
  }

  /** Serves with a certificate of a new authority from the next connection on; what clients trust (`caFile`) is for the caller to change. Returns the new CA, PEM. */
  rotateCertificates(): string {
    const authority = new CertificateAuthority(`nestjs-leader-e2e-${randomBytes(4).toString('hex')}`);
    const serving = authority.serving(['127.0.0.1', 'localhost']);
    writeFileSync(join(this.directory, 'serving.key'), serving.key);
    writeFileSync(join(this.directory, 'serving.crt'), serving.certificate);
    return authority.certificate;
  }

  /** Stops both servers and removes their data. */
  async stop(): Promise<void> {
    this.close();
    await this.apiServer.stop();
    await this.etcd.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function answers(url: string): Promise<boolean> {
  // Not up yet is an answer, too.
  return fetch(url)
    .then((response) => response.ok)
    .catch(() => false);
}
