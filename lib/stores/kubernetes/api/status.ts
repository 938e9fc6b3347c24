import type { Answer } from './transport.js';

/** The `Status` object with which the API server says no. Other parties on the way (proxies, load balancers) send none. */
export interface ApiStatus {
  readonly kind: 'Status';
  readonly reason?: string;
  readonly message?: string;
  readonly code?: number;
  readonly details?: {
    readonly kind?: string;
    readonly causes?: readonly { readonly reason?: string; readonly field?: string }[];
    readonly retryAfterSeconds?: number;
  };
}

export function statusOf(answer: Answer): ApiStatus | null {
  const body = parseJson(answer.body) as ApiStatus | undefined;
  return body?.kind === 'Status' ? body : null;
}

/** `undefined` for what is not JSON (JSON itself has no undefined). */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The caller refuses it with the answer at hand; the parser's complaint about its first character helps nobody.
    return undefined;
  }
}

export function missingNamespace(status: ApiStatus | null): boolean {
  return status?.code === 404 && status.details?.kind === 'namespaces';
}
