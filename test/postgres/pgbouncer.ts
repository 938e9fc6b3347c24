import { spawn, spawnSync } from 'node:child_process';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { once } from 'node:events';
import { Client } from 'pg';
import { freePort } from '../e2e/control-plane/free-ports.js';

/** Debian's package puts it where only root looks. */
const PATH = `${process.env.PATH}:/usr/sbin`;

export const pgbouncerIsInstalled = spawnSync('pgbouncer', ['--version'], { env: { PATH } }).status === 0;

/** A real PgBouncer in transaction mode, with two server connections. */
export async function pgbouncer(url: string): Promise<{ url: string } & AsyncDisposable> {
  const target = new URL(url);
  const directory = await mkdtemp(join(tmpdir(), 'leader-bouncer-'));
  const port = await freePort();
  const config = join(directory, 'pgbouncer.ini');
  const lines = [
    '[databases]',
    `* = host=${target.hostname} port=${target.port || 5432}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    `auth_file =`,
    'pool_mode = transaction',
    'default_pool_size = 2',
  ];
  // With auth_type any every client is one user of the server.
  lines[1] += ` user=${target.username} ${target.password ? `password=${target.password}` : ''}`;
  await writeFile(config, `${lines.join('\n')}\n`);
  const nobody = userInfo().uid === 0 ? { uid: 65_534, gid: 65_534 } : {};
  if (nobody.uid !== undefined) await chown(directory, nobody.uid, nobody.gid);
  const bouncer = spawn('pgbouncer', [config], { ...nobody, env: { PATH }, stdio: 'ignore' });
  const through = new URL(url);
  through.port = String(port);
  through.hostname = '127.0.0.1';
  for (;;) {
    const client = new Client({ connectionString: through.href });
    client.on('error', () => {});
    const up = await client.connect().then(
      () => true,
      () => false,
    );
    await client.end().catch(() => {});
    if (up) break;
    await sleep(50);
    if (bouncer.exitCode !== null) throw new Error(`pgbouncer exited with ${bouncer.exitCode}`);
  }
  return {
    url: through.href,
    async [Symbol.asyncDispose]() {
      bouncer.kill('SIGINT');
      if (bouncer.exitCode === null && bouncer.signalCode === null) await once(bouncer, 'exit');
      await rm(directory, { recursive: true, force: true });
    },
  };
}
