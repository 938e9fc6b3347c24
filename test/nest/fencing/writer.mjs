// One replica, run from the built package: writes to the ledger once per term. It is paused by itself in the middle of its first write
// if it is told to: after it has been admitted and has decided, before the request leaves.
import { NestFactory } from '@nestjs/core';
import { fileLease, LeaderElectionModule, LeaderElectionService } from 'nestjs-leader';
import { fencedFetch } from 'nestjs-leader/fencing';

const [directory, ledger, name, pause] = process.argv.slice(2);
const tell = (line) => process.stdout.write(`${name} ${line}\n`);

const app = await NestFactory.createApplicationContext(
  LeaderElectionModule.forRoot({ leaseName: 'ledger', leaseDuration: 1500, store: fileLease({ directory }) }),
  { logger: false },
);
app.enableShutdownHooks();
const election = app.get(LeaderElectionService);
const write = fencedFetch(election);

election.term$.subscribe((term) => {
  if (term === null) return;
  void election.runIfLeader(async ({ fencingToken }) => {
    if (pause === 'pause') {
      tell(`pausing ${fencingToken}`);
      process.kill(process.pid, 'SIGSTOP');
    }
    const response = await write(ledger, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ value: `${name} ${fencingToken}` }),
    });
    tell(`answered ${response.status} ${fencingToken} ${election.isLeader()}`);
  });
});
