/** What happens to a request on its way. Durations are milliseconds of the store's clock. */
export type MemoryFault =
  /** Never arrives; no answer. */
  | { readonly kind: 'lost-request' }
  /** Arrives and does its work; no answer. */
  | { readonly kind: 'lost-response' }
  /** No answer, and it arrives only `after` milliseconds, when the caller has long given up. */
  | { readonly kind: 'late-apply'; readonly after: number }
  /** Arrives now and once more `after` milliseconds later, as a retrying proxy sends it. */
  | { readonly kind: 'duplicate'; readonly after: number }
  /** Takes `request` milliseconds to arrive, and its answer `response` milliseconds to come back. */
  | { readonly kind: 'slow'; readonly request?: number; readonly response?: number }
  /** Refused: certainly nothing is written. */
  | { readonly kind: 'rejected'; readonly retryAfter?: number; readonly cause?: unknown }
  /** Reads only: shows the state `behind` changes ago (default 1). */
  | { readonly kind: 'stale'; readonly behind?: number }
  /** Watches only: opens, shows the current state, and nothing ever after. */
  | { readonly kind: 'silent' }
  /** Does its work, then never settles, not even when its signal aborts: a store with a bug. */
  | { readonly kind: 'deaf' };

/** The calls of a lease that a fault may strike. */
export type MemoryOperation = 'read' | 'replace' | 'watch' | 'isHolderGone';

/** When a request arrives, and when its answer leaves for home: what every fault of the way comes down to. */
export interface Journey {
  readonly arrivals: readonly number[];
  /** Milliseconds the answer takes; `null`: it never comes. */
  readonly response: number | null;
}

export function journeyOf(fault: MemoryFault | undefined): Journey {
  switch (fault?.kind) {
    case 'lost-request':
      return { arrivals: [], response: null };
    case 'lost-response':
    case 'deaf':
      return { arrivals: [0], response: null };
    case 'late-apply':
      return { arrivals: [fault.after], response: null };
    case 'duplicate':
      return { arrivals: [0, fault.after], response: 0 };
    case 'slow':
      return { arrivals: [fault.request ?? 0], response: fault.response ?? 0 };
    default:
      return { arrivals: [0], response: 0 };
  }
}

/** The faults still to happen, per operation, first in first out. */
export class FaultScript {
  private readonly scripted: { operation: MemoryOperation; fault: MemoryFault; times: number }[] = [];

  add(operation: MemoryOperation, fault: MemoryFault, times: number): () => void {
    const entry = { operation, fault, times };
    this.scripted.push(entry);
    return () => {
      entry.times = 0;
    };
  }

  take(operation: MemoryOperation): MemoryFault | undefined {
    const entry = this.scripted.find((candidate) => candidate.operation === operation && candidate.times > 0);
    if (entry) entry.times -= 1;
    return entry?.fault;
  }
}
