import type { Snapshot } from '../lease-store.js';
import { isSameTerm } from './believed-lease.js';

/** Waits for proof that the process which holds the lease is dead: asks once for each term of another holder. */
export class HolderWatcher {
  private asked: { readonly seen: Snapshot; readonly controller: AbortController } | null = null;

  constructor(
    private readonly identity: string,
    private readonly watchHolder: (seen: Snapshot, signal: AbortSignal) => Promise<void>,
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
    let isGone = true;
    try {
      await this.watchHolder(seen, controller.signal);
    } catch {
      // The store has told why it cannot tell, and is asked again at the holder's next renewal. Meanwhile the lease is waited out.
      isGone = false;
    }
    if (controller.signal.aborted) return;
    if (isGone) this.onGone(seen);
    else this.asked = null;
  }
}
