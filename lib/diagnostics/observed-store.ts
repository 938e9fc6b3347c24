import type { LeaseHandle, LeaseRecord, LeaseStore, Snapshot, WriteOutcome } from '../election/index.js';
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
    resolution: store.resolution,
    open: (lease, log) => observedHandle(store.open(lease, log), subject),
  };
}

function observedHandle(handle: LeaseHandle, subject: () => Observed): LeaseHandle {
  const timed = async <T>(
    operation: Operation,
    run: () => Promise<T>,
    outcomeOf: (result: T) => StoreRequest['outcome'],
  ) => {
    const { election, leaseName, identity, isLeader, releasing } = subject();
    const leading = isLeader();
    if (operation === 'release') releasing();
    const sent = performance.now();
    const tell = (outcome: StoreRequest['outcome']) =>
      publish('request', () => {
        return { election, leaseName, identity, operation, outcome, leading, duration: performance.now() - sent };
      });
    try {
      const result = await run();
      tell(outcomeOf(result));
      return result;
    } catch (error) {
      tell('failed');
      throw error;
    }
  };
  return {
    read: (signal) =>
      timed(
        'read',
        () => handle.read(signal),
        () => 'succeeded',
      ),
    replace: (seen, record, signal) =>
      timed(operationOf(seen, record), () => handle.replace(seen, record, signal), outcomeOfWrite),
    watch: handle.watch && ((signal) => handle.watch!(signal)),
    isHolderGone: handle.isHolderGone && ((seen, signal) => handle.isHolderGone!(seen, signal)),
    holderProbeInterval: handle.holderProbeInterval,
  };
}

function operationOf(seen: Snapshot, record: LeaseRecord): Operation {
  if (record.holder === null) return 'release';
  return seen.lease?.record.holder === record.holder ? 'renew' : 'acquire';
}

function outcomeOfWrite({ kind }: WriteOutcome): StoreRequest['outcome'] {
  return kind === 'applied' ? 'succeeded' : kind;
}
