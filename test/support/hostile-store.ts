import type { LeaseHandle, LeaseStore } from 'nestjs-leader';

/** `store` with some of its handles' methods replaced: how a store of somebody's own goes wrong. */
export function tampered(store: LeaseStore, tamper: (handle: LeaseHandle) => Partial<LeaseHandle>): LeaseStore {
  return {
    name: 'tampered',
    open: (lease, log) => {
      const handle = store.open(lease, log);
      const whole: LeaseHandle = {
        read: (signal) => handle.read(signal),
        replace: (seen, record, signal) => handle.replace(seen, record, signal),
        watch: handle.watch && ((signal) => handle.watch!(signal)),
      };
      return Object.assign(whole, tamper(handle));
    },
  };
}

/** A store that can only be polled. */
export const unwatched = (store: LeaseStore): LeaseStore => tampered(store, () => ({ watch: undefined }));
