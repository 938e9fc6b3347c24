// A replica in a process of its own: stands for LEASE in DATABASE_URL and prints what it believes (see test/e2e/fleet/replica-lines.ts).
import { setTimeout as sleep } from 'node:timers/promises';
import { LeaderElector } from 'nestjs-leader/election';
import { fence, postgresLease } from 'nestjs-leader/postgres';
import { Client } from 'pg';

const { DATABASE_URL, LEASE, DURATION = '3000', LISTEN, WRITE_TO, ASK_EVERY = '5' } = process.env;
const monotonic = () => Number(process.hrtime.bigint()) / 1e6;
const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const store = postgresLease({
  connection: { connectionString: DATABASE_URL, application_name: `replica ${process.pid}` },
  listen: LISTEN !== 'no',
});
const elector = new LeaderElector({
  options: { leaseName: LEASE, store, leaseDuration: Number(DURATION) },
  handlers: {
    acquired: (term) => {
      tell({ kind: 'admitted', t: monotonic(), token: String(term.fencingToken) });
      if (WRITE_TO) void insist(term);
    },
    lost: (term, reason) => tell({ kind: 'lost', t: monotonic(), token: String(term.fencingToken), reason }),
  },
  log: { log() {}, warn: console.error, error: console.error },
});

elector.leader$.subscribe((holder) => holder !== null && tell({ kind: 'holder', t: monotonic(), holder }));
let led = false;
let lastError;
const asking = setInterval(() => {
  const t = monotonic();
  const leader = elector.isLeader();
  const until = monotonic();
  if (leader || led) tell({ kind: 'sample', t, until, leader, token: String(elector.currentTerm()?.fencingToken) });
  led = leader;
  const { lastError: error } = elector.status();
  if (error?.message !== lastError) {
    lastError = error?.message;
    if (error) tell({ kind: 'error', t, code: error.code, message: error.message });
  }
}, Number(ASK_EVERY));

/** Work that never asks again whether it may: what fencing is for. */
async function insist(term) {
  const client = new Client({ connectionString: DATABASE_URL, idle_in_transaction_session_timeout: 1_000 });
  // A writer that stood still inside a transaction finds its connection ended: it is refused by that. Heard of between two
  // statements, the next one only says that there is no connection.
  let ended;
  client.on('error', (error) => (ended ??= error));
  await client.connect();
  for (;;) {
    try {
      await client.query('BEGIN');
      await fence(client, term, WRITE_TO);
      await client.query('INSERT INTO written (resource, token) VALUES ($1, $2)', [
        WRITE_TO,
        String(term.fencingToken),
      ]);
      await client.query('COMMIT');
    } catch (failure) {
      const error = ended ?? failure;
      tell({ kind: 'error', t: monotonic(), code: error.code ?? 'ENDED', message: `write refused: ${error.message}` });
      return client.end().catch(() => {});
    }
    await sleep(5);
  }
}

process.once('SIGTERM', async () => {
  await elector.stop();
  tell({ kind: 'stopped', t: monotonic() });
  clearInterval(asking);
  await store.close();
});
await elector.start();
tell({ kind: 'ready', t: monotonic() });
