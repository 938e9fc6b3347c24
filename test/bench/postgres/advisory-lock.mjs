// The usual home-made election: whoever holds a session-level advisory lock leads. Stands for it in DATABASE_URL.
import { Client } from 'pg';

const { DATABASE_URL, LEASE, POLL } = process.env;
const monotonic = () => Number(process.hrtime.bigint()) / 1e6;
const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const client = new Client({ connectionString: DATABASE_URL, application_name: `replica ${process.pid}` });
client.on('error', () => process.exit(1));
await client.connect();
tell({ kind: 'ready', t: monotonic() });
process.once('SIGTERM', async () => {
  await client.end();
  tell({ kind: 'stopped', t: monotonic() });
  process.exit();
});
// From here on it stands by, which ours tell by the holder that they see.
tell({ kind: 'holder', t: monotonic(), holder: 'unknown' });
if (POLL === undefined) {
  await client.query('SELECT pg_advisory_lock(hashtext($1))', [LEASE]);
} else {
  for (;;) {
    const { rows } = await client.query('SELECT pg_try_advisory_lock(hashtext($1)) AS mine', [LEASE]);
    if (rows[0].mine) break;
    await new Promise((resolve) => setTimeout(resolve, Number(POLL)));
  }
}
tell({ kind: 'admitted', t: monotonic(), token: '0' });
