import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { fileLease } from 'nestjs-leader';
import { describeStoreContract } from 'nestjs-leader/testing';

let directory: string;
let trash = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lease-contract-'));
  await mkdir(join(directory, 'trash'));
  await writeFile(join(directory, 'not-a-directory'), '');
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describeStoreContract(
  'file',
  {
    connect: () => fileLease({ directory: join(directory, 'leases') }),
    unreachable: () => fileLease({ directory: join(directory, 'not-a-directory') }),
    deleteLease: ({ name, namespace }) =>
      rename(join(directory, 'leases', namespace, name), join(directory, 'trash', String(trash++))),
  },
  { describe, it },
);
