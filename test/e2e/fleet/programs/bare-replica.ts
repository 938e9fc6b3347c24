import { readFileSync } from 'node:fs';
import { Agent, request, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { monotonic } from '../replica-lines.js';
import { replicaOptions } from './replica-options.js';
import { say } from './replica-voice.js';

// No election at all, only the three steps that no handover can do without: the leader's release, the watch event that tells the
// standby, the write that takes the lease. What they cost on a machine is what a handover is to be compared with there.

interface LeaseObject {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec: { readonly holderIdentity?: string };
}

const { serviceAccount, election } = replicaOptions();
const { leaseName, identity = 'bare' } = election;
const mounted = (file: string) => readFileSync(join(serviceAccount, file), 'utf8');
const namespace = mounted('namespace');
const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
const headers = { authorization: `Bearer ${mounted('token')}`, 'content-type': 'application/json' };
const ca = mounted('ca.crt');
const host = process.env['KUBERNETES_SERVICE_HOST'];
const port = process.env['KUBERNETES_SERVICE_PORT'];
const agent = new Agent({ keepAlive: true });

function send(options: RequestOptions, body?: unknown): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host, port, ca, agent, headers, ...options }, resolve).on('error', reject);
    outgoing.setNoDelay(true);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function answer(options: RequestOptions, body?: unknown): Promise<LeaseObject> {
  const response = await send(options, body);
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  if (response.statusCode! >= 300 && response.statusCode !== 404) throw new Error(text);
  return JSON.parse(text) as LeaseObject;
}

function write(lease: LeaseObject, holderIdentity: string): Promise<LeaseObject> {
  return answer(
    { method: 'PUT', path: `${leases}/${leaseName}` },
    { ...lease, spec: { ...lease.spec, holderIdentity } },
  );
}

async function lead(held: LeaseObject): Promise<void> {
  say({ kind: 'admitted', t: monotonic(), token: held.metadata.resourceVersion });
  let lease = held;
  // Renewed as ours is: what is written often is written sooner.
  const renewing = setInterval(() => void write(lease, identity).then((renewed) => (lease = renewed)), 2_000);
  process.once('SIGTERM', () => {
    clearInterval(renewing);
    void write(lease, '').then(() => process.exit());
  });
}

const metadata = { name: leaseName, namespace };
const created = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: { holderIdentity: identity } };
const first = await answer({ path: `${leases}/${leaseName}` });
say({ kind: 'ready', t: monotonic() });
if (first.spec === undefined) await lead(await answer({ method: 'POST', path: leases }, created));
else await standBy(first);

async function standBy({ metadata, spec }: LeaseObject): Promise<void> {
  const since = `watch=1&fieldSelector=metadata.name=${leaseName}&resourceVersion=${metadata.resourceVersion}`;
  const events = await send({ path: `${leases}?${since}`, agent: new Agent() });
  say({ kind: 'holder', t: monotonic(), holder: spec.holderIdentity! });
  for await (const line of createInterface({ input: events })) {
    const { object } = JSON.parse(line) as { object: LeaseObject };
    // There is never a second standby: nobody to race with, so no window to wait for.
    if (!object.spec.holderIdentity) return lead(await write(object, identity));
  }
}
