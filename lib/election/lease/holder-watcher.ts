import type { Snapshot } from '../lease-store.js';
import { isSameTerm } from './believed-lease.js';

/** Waits for proof that the process which holds the lease is dead: asks once for each term of another holder. */
export class HolderWatcher {
  private asked: { readonly seen: Snapshot; readonly controller: AbortController } | null = null;

  constructor(
    private readonly identity: string,
    private readonly watchHolder: (seen: Snapshot, signal: AbortSignal) => AsyncIterable<true>,
    private readonly onGone: (seen: Snapshot) => void,
  ) {}

  /** The lease as it is known now. */
  follow(latest: Snapshot): void {
    if (this.asked !== null && isSameTerm(this.asked.seen, latest)) return;
    this.stop();
    const { holder = null, term = null } = latest.lease?.record ?? {};
    // A holder that is not ours, or whose mark was lost, has left nothing that could be looked up.
    if (holder === null || holder === this.identity || term === null) return;
    const controller = new AbortController();
    this.asked = { seen: latest, controller };
    void this.ask(latest, controller);
  }

  stop(): void {
    this.asked?.controller.abort();
    this.asked = null;
  }

  private async ask(seen: Snapshot, controller: AbortController): Promise<void> {
    const isGone = await isProven(this.watchHolder, seen, controller.signal);
    if (controller.signal.aborted) return;
    if (isGone) this.onGone(seen);
    // The store cannot tell, and has said why itself. Asked again at the holder's next renewal; meanwhile the lease is waited out.
    else this.asked = null;
  }
}

async function isProven(
  watchHolder: (seen: Snapshot, signal: AbortSignal) => AsyncIterable<true>,
  seen: Snapshot,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    // An end without a word is no proof, and nothing else that it may yield is.
    for await (const isGone of watchHolder(seen, signal)) if (isGone === true) return true;
  } catch {
    // Told by the store.
  }
  return false;
}
