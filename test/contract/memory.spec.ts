import { describe, it } from 'vitest';
import { memoryLease } from 'nestjs-leader';
import { describeStoreContract } from 'nestjs-leader/testing';

const store = memoryLease();

describeStoreContract(
  'memory',
  {
    connect: () => store.connect(),
    unreachable() {
      const cut = store.connect();
      cut.fault('read', { kind: 'rejected' }, Infinity);
      cut.fault('replace', { kind: 'rejected' }, Infinity);
      return cut;
    },
    deleteLease: async (lease) => void store.delete(lease),
    touchLease: async (lease) => void store.touch(lease),
    changeHolder: async (lease, holder) => void store.edit(lease, { holder }),
  },
  { describe, it },
);
