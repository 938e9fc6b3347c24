// Many replicas in one process, each with an elector, a pool and a listening connection of its own. Any input makes the one that leads leave.
import { LeaderElector } from 'nestjs-leader/election';
import { postgresLease } from 'nestjs-leader/postgres';

const { DATABASE_URL, LEASE, SIZE = '25' } = process.env;
const monotonic = () => Number(process.hrtime.bigint()) / 1e6;
const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const electors = new Set();

async function join() {
  const store = postgresLease({
    connection: { connectionString: DATABASE_URL, application_name: `crowd ${process.pid}` },
  });
  const elector = new LeaderElector({
    options: { leaseName: LEASE, store },
    handlers: {
      acquired: (term) => tell({ kind: 'admitted', t: monotonic(), token: String(term.fencingToken) }),
      lost() {},
    },
  });
  electors.add(elector);
  elector.close = async () => {
    electors.delete(elector);
    await elector.stop();
    await store.close();
  };
  await elector.start();
}

for (let i = 0; i < Number(SIZE); i++) await join();
tell({ kind: 'ready', t: monotonic() });
process.stdin.on('data', async () => {
  const leader = [...electors].find((elector) => elector.isLeader());
  if (!leader) return;
  tell({ kind: 'leaving', t: monotonic() });
  await leader.close();
  await join();
});
process.stdin.once('end', () => process.exit());
