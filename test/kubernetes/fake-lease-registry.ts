import { randomUUID } from 'node:crypto';

/** An object as a client may send it. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Obj = Record<string, any>;

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: Obj;
}

/** What the API server refuses, as its `Status` says it. */
export class Refusal extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
    readonly details: Obj = {},
  ) {
    super(message);
  }
}

/** Storage and validation of Leases as kube-apiserver does them: one global revision, compare-and-swap, strict times. */
export class FakeLeaseRegistry {
  readonly namespaces = new Set(['default', 'kube-system']);
  readonly changes: Change[] = [];
  /** Watches from before it answer 410. */
  compacted = 0;
  private revision = 1000;
  private readonly leases = new Map<string, Obj>();
  private readonly listeners = new Set<() => void>();

  get resourceVersion(): string {
    return String(this.revision);
  }

  get(namespace: string, name: string): Obj {
    const lease = this.leases.get(`${namespace}/${name}`);
    if (!lease) throw new Refusal(404, 'NotFound', `leases.coordination.k8s.io "${name}" not found`, ofLease(name));
    return lease;
  }

  list(namespace: string, name: string): Obj[] {
    const lease = this.leases.get(`${namespace}/${name}`);
    return lease ? [lease] : [];
  }

  create(namespace: string, body: Obj): Obj {
    if (!this.namespaces.has(namespace)) {
      throw new Refusal(404, 'NotFound', `namespaces "${namespace}" not found`, {
        name: namespace,
        kind: 'namespaces',
      });
    }
    const { name } = body.metadata;
    if (body.metadata.resourceVersion)
      throw new Refusal(500, '', 'resourceVersion should not be set on objects to be created');
    validate(body);
    if (this.leases.has(`${namespace}/${name}`))
      throw new Refusal(409, 'AlreadyExists', `leases.coordination.k8s.io "${name}" already exists`, ofLease(name));

    const now = new Date().toISOString().replace(/\.\d+/, '');
    return this.store('ADDED', namespace, name, {
      ...body,
      metadata: { ...body.metadata, namespace, uid: randomUUID(), creationTimestamp: now, managedFields: managed() },
    });
  }

  update(namespace: string, name: string, body: Obj): Obj {
    validate(body);
    const stored = this.leases.get(`${namespace}/${name}`);
    const { uid, resourceVersion } = body.metadata;
    if (!stored) {
      // Leases allow create-on-update: only a uid keeps a deleted one from coming back.
      if (uid) throw conflict(name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: `);
      return this.create(namespace, { ...body, metadata: { ...body.metadata, resourceVersion: undefined } });
    }
    if (!resourceVersion)
      throw invalid(name, 'metadata.resourceVersion: Invalid value: "": must be specified for an update');

    if (uid && uid !== stored.metadata.uid) throw conflict(name, 'Precondition failed: UID in precondition');
    if (resourceVersion !== stored.metadata.resourceVersion) throw conflict(name, 'the object has been modified');
    const managedFields = body.metadata.managedFields?.length
      ? body.metadata.managedFields
      : stored.metadata.managedFields;
    const { creationTimestamp } = stored.metadata;
    const next = {
      ...body,
      metadata: { ...body.metadata, uid: stored.metadata.uid, creationTimestamp, managedFields },
    };
    // An update that changes nothing writes nothing: same version, status 200.
    if (canonical(next) === canonical(stored)) return stored;
    return this.store('MODIFIED', namespace, name, {
      ...next,
      metadata: { ...next.metadata, managedFields: managed() },
    });
  }

  /** What an administrator does with `kubectl edit`. */
  edit(namespace: string, name: string, change: (lease: Obj) => void): Obj {
    const lease = structuredClone(this.get(namespace, name));
    change(lease);
    return this.update(namespace, name, lease);
  }

  delete(namespace: string, name: string): void {
    const lease = this.get(namespace, name);
    this.leases.delete(`${namespace}/${name}`);
    this.record('DELETED', lease);
  }

  /** Any other object of the cluster changes. */
  tick(): void {
    this.revision += 1;
  }

  /** Calls `listener` after each change. Returns the way to stop that. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private store(type: 'ADDED' | 'MODIFIED', namespace: string, name: string, lease: Obj): Obj {
    const stored = this.record(type, JSON.parse(JSON.stringify(lease)) as Obj);
    this.leases.set(`${namespace}/${name}`, stored);
    return stored;
  }

  private record(type: Change['type'], lease: Obj): Obj {
    this.revision += 1;
    const object = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(this.revision) } };
    this.changes.push({ type, object });
    for (const listener of this.listeners) listener();
    return object;
  }
}

const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/;

function validate({ kind, apiVersion, metadata, spec = {} }: Obj): void {
  if (kind !== 'Lease' || apiVersion !== 'coordination.k8s.io/v1') throw new Refusal(400, 'BadRequest', 'not a Lease');
  for (const field of ['acquireTime', 'renewTime']) {
    const value: unknown = spec[field] ?? undefined;
    if (value !== undefined && !MICRO_TIME.test(String(value)))
      throw new Refusal(400, 'BadRequest', `parsing time "${String(value)}" as "2006-01-02T15:04:05.000000Z07:00"`);
  }
  const annotations = Object.entries((metadata.annotations ?? {}) as Record<string, string>).flat();
  if (annotations.reduce((bytes, text) => bytes + Buffer.byteLength(text), 0) > 256 * 1024) {
    const why = 'Too long: may not be more than 262144 bytes';
    const cause = { reason: 'FieldValueTooLong', message: why, field: 'metadata.annotations' };
    throw invalid(metadata.name, `metadata.annotations: ${why}`, [cause]);
  }
  const { leaseDurationSeconds: seconds, leaseTransitions: transitions } = spec;
  if (seconds != null && !(Number.isInteger(seconds) && seconds > 0))
    throw invalid(metadata.name, 'spec.leaseDurationSeconds: Invalid value: must be greater than 0');

  if (transitions != null && !(Number.isInteger(transitions) && transitions >= 0))
    throw invalid(metadata.name, 'spec.leaseTransitions: Invalid value: must be greater than or equal to 0');
}

const ofLease = (name: string) => ({ name, group: 'coordination.k8s.io', kind: 'leases' });
const conflict = (name: string, why: string) =>
  new Refusal(
    409,
    'Conflict',
    `Operation cannot be fulfilled on leases.coordination.k8s.io "${name}": ${why}`,
    ofLease(name),
  );
const invalid = (name: string, why: string, causes: Obj[] = []) =>
  new Refusal(422, 'Invalid', `Lease.coordination.k8s.io "${name}" is invalid: ${why}`, { ...ofLease(name), causes });
const managed = () => [{ manager: 'test', operation: 'Update', time: new Date().toISOString().replace(/\.\d+/, '') }];

function canonical({
  metadata: { managedFields: _ignored, resourceVersion: _version, ...metadata },
  ...lease
}: Obj): string {
  const sorted = (value: unknown): unknown =>
    value && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(
          Object.entries(value)
            .filter(([, v]) => v !== undefined && v !== null)
            .toSorted(([a], [b]) => (a < b ? -1 : 1))
            .map(([k, v]) => [k, sorted(v)]),
        )
      : value;
  return JSON.stringify(sorted({ ...lease, metadata }));
}
