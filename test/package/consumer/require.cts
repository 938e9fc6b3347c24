// The same package, required from CommonJS.
import leader = require('nestjs-leader');
import fencing = require('nestjs-leader/fencing');
import core = require('@nestjs/core');

async function main(): Promise<void> {
  const root = leader.LeaderElectionModule.forRoot({ leaseName: 'consumer', store: leader.memoryLease() });
  const app = await core.NestFactory.createApplicationContext(root, { logger: false });
  const term = await app.get(leader.LeaderElectionService).whenLeader();
  if (fencing.fencingHeaders(term)['Fencing-Token'] !== String(term.fencingToken)) throw new Error('no token');
  await app.close();
  console.log('ok');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
