import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { PrismaPg } from '@prisma/adapter-pg';

export interface PrismaLike {
  $queryRawUnsafe(sql: string, ...params: unknown[]): Promise<Record<string, unknown>[]>;
  $transaction<T>(work: (tx: Omit<PrismaLike, '$transaction' | '$disconnect'>) => Promise<T>): Promise<T>;
  $disconnect(): Promise<void>;
}

/** A generated Prisma client. It must stand where its runtime resolves, hence inside node_modules. */
export async function prismaClient(url: string): Promise<{ prisma: PrismaLike } & AsyncDisposable> {
  const directory = await mkdtemp(resolve('node_modules', '.prisma-'));
  const schema = join(directory, 'schema.prisma');
  await writeFile(
    schema,
    `generator client {
  provider = "prisma-client-js"
  output   = "./client"
}
datasource db {
  provider = "postgresql"
}
model Anything {
  id Int @id
}
`,
  );
  await promisify(execFile)(
    process.execPath,
    [resolve('node_modules/prisma/build/index.js'), 'generate', '--schema', schema],
    {
      // Generating needs no engine, but looks for one, and would download it.
      env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true', CHECKPOINT_DISABLE: '1' },
    },
  );
  const generated: { PrismaClient: new (options: object) => PrismaLike } = await import(
    pathToFileURL(join(directory, 'client', 'index.js')).href
  );
  const prisma = new generated.PrismaClient({ adapter: new PrismaPg({ connectionString: url }) });
  return {
    prisma,
    async [Symbol.asyncDispose]() {
      await prisma.$disconnect();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
