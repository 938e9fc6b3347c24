import type { ApiClient } from '../control-plane/api-client.js';

/** A Lease as the API server stores it. */
export interface LeaseObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    resourceVersion: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec: {
    holderIdentity?: string | null;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
    strategy?: string;
    preferredHolder?: string;
  };
}

/** What somebody with kubectl does to a Lease. */
export class LeasePath {
  private readonly collection: string;

  constructor(
    private readonly admin: ApiClient,
    namespace: string,
    private readonly name: string,
  ) {
    this.collection = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  }

  async read(): Promise<LeaseObject> {
    return (await this.admin.must('GET', `${this.collection}/${this.name}`)) as unknown as LeaseObject;
  }

  /** A merge patch, as `kubectl patch` and `kubectl label` send it: unconditional. */
  async patch(change: unknown): Promise<LeaseObject> {
    const path = `${this.collection}/${this.name}`;
    return (await this.admin.must('PATCH', path, change, 'application/merge-patch+json')) as unknown as LeaseObject;
  }

  async remove(): Promise<void> {
    await this.admin.must('DELETE', `${this.collection}/${this.name}`);
  }

  /** Deletes and creates, as `kubectl replace --force`; again if an elector was quicker in between. */
  async recreate(spec: LeaseObject['spec']): Promise<LeaseObject> {
    for (;;) {
      await this.remove();
      const answer = await this.admin.call('POST', this.collection, this.object(spec));
      if (answer.status === 201) return answer.body as unknown as LeaseObject;
      if (answer.status !== 409) throw new Error(`create: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
  }

  async create(spec: Partial<LeaseObject['spec']>): Promise<LeaseObject> {
    return (await this.admin.must('POST', this.collection, this.object(spec))) as unknown as LeaseObject;
  }

  private object(spec: LeaseObject['spec']): object {
    return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: this.name }, spec };
  }
}
