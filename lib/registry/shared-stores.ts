import { Logger } from '@nestjs/common';
import type { LeaseStore } from '../election/index.js';
import { processWide } from '../election/process-wide.js';
import { quoted } from '../election/report/quoted.js';

/** How many applications of this process use a store: the first that closes must not cut the others off. */
const users = processWide('users-of-stores', () => new WeakMap<LeaseStore, number>());

/** The stores that one application uses. */
export class SharedStores {
  private readonly used = new Set<LeaseStore>();

  use(store: LeaseStore): void {
    if (this.used.has(store)) return;
    this.used.add(store);
    users.set(store, (users.get(store) ?? 0) + 1);
  }

  /** Closes those that no other application uses. A failure is logged: the leases are released by now, and shutdown must go on. */
  async release(): Promise<void> {
    const released = [...this.used].filter((store) => {
      const others = (users.get(store) ?? 1) - 1;
      users.set(store, others);
      return others === 0;
    });
    this.used.clear();
    await Promise.all(
      released.map(async (store) => {
        try {
          await store.close?.();
        } catch (error) {
          new Logger('LeaderElection').error(
            `The ${store.name ?? 'custom'} store could not be closed: ${quoted(error instanceof Error ? String(error) : error)}`,
          );
        }
      }),
    );
  }
}
