import { LeaseStoreError } from '../../../election/errors.js';
import type { LastRequest } from '../../../election/exit/exit.js';
import type { IncomingMessage } from 'node:http';
import type { ApiClient } from './api-client.js';
import { answerError, badAnswerError } from './api-status.js';
import type { Attempted } from './refusals.js';
import { parseJson, statusOf } from './status.js';
import { isLease, isToken, type LeaseObject } from '../lease-object.js';
import { NoAnswer, type Answer } from './transport.js';

export const LEASES = { group: 'coordination.k8s.io', resource: 'leases' } as const;

/** An object, or its absence, as of a resource version. */
export interface LeaseReading {
  readonly lease: LeaseObject | null;
  /** `undefined` where the absence has none. */
  readonly resourceVersion?: string;
  /** The answer's `Date` header. */
  readonly date?: string;
}

/** The requests that one Lease needs, and which answers to believe. */
export class LeaseApi {
  constructor(
    private readonly client: ApiClient,
    readonly name: string,
    readonly namespace: string,
  ) {}

  private get collection(): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(this.namespace)}/leases`;
  }

  private get path(): string {
    return `${this.collection}/${encodeURIComponent(this.name)}`;
  }

  private get onlyThis(): string {
    return `fieldSelector=${encodeURIComponent(`metadata.name=${this.name}`)}`;
  }

  async get(signal: AbortSignal): Promise<LeaseReading> {
    const answer = await this.read(this.path, signal);
    if (answer.status === 404 && statusOf(answer)?.details?.kind === 'leases') return { lease: null };
    const lease = answer.status === 200 ? parseJson(answer.body) : undefined;
    if (this.isThis(lease))
      return { lease, resourceVersion: lease.metadata.resourceVersion, date: answer.headers.date };

    throw this.error(answer, 'get');
  }

  /** Costs the `list` verb, and is the only way to learn as of which version a Lease is absent. */
  async list(signal: AbortSignal): Promise<LeaseReading> {
    const answer = await this.read(`${this.collection}?${this.onlyThis}`, signal);
    const list = answer.status === 200 ? (parseJson(answer.body) as LeaseList | undefined) : undefined;
    const resourceVersion = list?.metadata?.resourceVersion;
    if (list?.kind !== 'LeaseList' || !isToken(resourceVersion)) throw this.error(answer, 'list');
    // Items of a list carry neither kind nor apiVersion.
    const items = (list.items ?? []).map((item) => ({ apiVersion: list.apiVersion, ...item, kind: 'Lease' }));
    const lease = items.find((item) => this.isThis(item)) as LeaseObject | undefined;
    return { lease: lease ?? null, resourceVersion, date: answer.headers.date };
  }

  /** The raw answer: what it says about a write is the caller's to judge. @throws NoAnswer */
  write(lease: LeaseObject, create: boolean, signal: AbortSignal): Promise<Answer> {
    return this.client.call(
      { method: create ? 'POST' : 'PUT', path: create ? this.collection : this.path, body: JSON.stringify(lease) },
      signal,
    );
  }

  /** As a `write` of what exists, while the process ends. `null`: it could not be sent. */
  writeAtExit(lease: LeaseObject): LastRequest | null {
    return this.client.callAtExit({ method: 'PUT', path: this.path, body: JSON.stringify(lease) });
  }

  /** `from` absent: begins with the current state. */
  async watch(from: string | undefined, timeoutSeconds: number, signal: AbortSignal): Promise<IncomingMessage> {
    const since = from === undefined ? '' : `&resourceVersion=${from}`;
    const query = `watch=1&${this.onlyThis}&allowWatchBookmarks=true&timeoutSeconds=${timeoutSeconds}${since}`;
    return this.client.stream({ method: 'GET', path: `${this.collection}?${query}` }, signal).catch(NoAnswer.unwrap);
  }

  isThis(value: unknown): value is LeaseObject {
    return isLease(value) && value.metadata.name === this.name && value.metadata.namespace === this.namespace;
  }

  error(answer: Answer, verb: string): LeaseStoreError {
    const attempted: Attempted = { ...LEASES, verb, name: this.name, namespace: this.namespace };
    return answer.status >= 200 && answer.status < 300
      ? badAnswerError(answer, attempted)
      : answerError(answer, attempted);
  }

  private read(path: string, signal: AbortSignal): Promise<Answer> {
    return this.client.call({ method: 'GET', path }, signal).catch(NoAnswer.unwrap);
  }
}

interface LeaseList {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly metadata?: { readonly resourceVersion?: string };
  readonly items?: readonly object[];
}
