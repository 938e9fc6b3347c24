/** Wakes the one who waits. A ring that finds nobody waiting is kept, so that none is lost between two waits. */
export class Bell {
  private rung = false;
  private wake: (() => void) | undefined;

  ring(): void {
    this.rung = true;
    this.wake?.();
  }

  /** Resolves at the next ring, at once if one is kept, and when `signal` aborts. Never rejects. */
  async wait(signal: AbortSignal): Promise<void> {
    if (!this.rung && !signal.aborted) {
      await new Promise<void>((resolve) => {
        // Taken off again at every ring: a watch waits on one signal for days.
        const wake = () => {
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.wake = wake;
        signal.addEventListener('abort', wake);
      });
    }
    this.rung = false;
    this.wake = undefined;
  }
}
