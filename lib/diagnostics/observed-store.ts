import type { LeaseHandle, LeaseRecord, LeaseStore, Snapshot } from '../election/index.js';
import { publish, type ElectionSubject, type StoreRequest } from './channels.js';

/** What is being observed; known only once the elector, which opens the store, has been made. */
export interface Observed extends ElectionSubject {
  isLeader(): boolean;
  /** A release is about to be sent: the drain is over. */
  releasing(): void;
}

type Operation = StoreRequest['operation'];

/** The store, telling how each of its requests went. Nothing else about it changes. */
export function observedStore(store: LeaseStore, subject: () => Observed): LeaseStore {
  return {
    name: store.name,
    processName: store.processName,
    resolution: store.resolution,
    open: (lease, log) => observedHandle(store.open(lease, log), subject),
  };
}

function observedHandle(handle: LeaseHandle, subject: () => Observed): LeaseHandle {
  /** A request is about to be sent; the function that it returns tells how it went. */
  const sending = (operation: Operation) => {
    const { election, leaseName, identity, isLeader, releasing } = subject();
    const leading = isLeader();
    if (operation === 'release') releasing();
    const sent = performance.now();
    return (outcome: StoreRequest['outcome']) =>
      publish('request', () => {
        return { election, leaseName, identity, operation, outcome, leading, duration: performance.now() - sent };
      });
  };
  return {
    async read(signal) {
      const tell = sending('read');
      try {
        const snapshot = await handle.read(signal);
        tell('succeeded');
        return snapshot;
      } catch (error) {
        tell('failed');
        throw error;
      }
    },
    async replace(seen, record, signal) {
      const tell = sending(operationOf(seen, record));
      try {
        const outcome = await handle.replace(seen, record, signal);
        tell(outcome.kind === 'applied' ? 'succeeded' : outcome.kind);
        return outcome;
      } catch (error) {
        tell('failed');
        throw error;
      }
    },
    isWatchVouched: handle.isWatchVouched,
    watch: handle.watch && ((signal) => handle.watch!(signal)),
    isHolderGone: handle.isHolderGone && ((seen, signal) => handle.isHolderGone!(seen, signal)),
    replaceAtExit: handle.replaceAtExit && ((seen, record) => handle.replaceAtExit!(seen, record)),
    holderProbeInterval: handle.holderProbeInterval,
    watchHolder:
      handle.watchHolder &&
      async function* (seen, signal) {
        for await (const isDead of handle.watchHolder!(seen, signal)) {
          const { election, leaseName, identity } = subject();
          publish('holderDied', () => ({ election, leaseName, identity }));
          yield isDead;
        }
      },
  };
}

function operationOf(seen: Snapshot, record: LeaseRecord): Operation {
  if (record.holder === null) return 'release';
  return seen.lease?.record.holder === record.holder ? 'renew' : 'acquire';
}
