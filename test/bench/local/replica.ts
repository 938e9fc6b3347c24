import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { fileLease, LeaderElectionModule, LeaderElectionService, OnlyWhenLeader } from 'nestjs-leader';
import { filter, firstValueFrom } from 'rxjs';
import { type Belief, now } from './belief.js';

/** What a replica of the benchmark tells its parent. */
export type Message =
  { kind: 'standing-by' } | { kind: 'admitted'; token: string; at: number } | { kind: 'believed'; belief: Belief };

@Injectable()
class Work {
  constructor(private readonly election: LeaderElectionService) {}

  @OnlyWhenLeader()
  begin(): Message {
    return { kind: 'admitted', at: now(), token: String(this.election.requireTerm().fencingToken) };
  }
}

@Module({
  imports: [
    LeaderElectionModule.forRoot({
      leaseName: 'bench',
      leaseDuration: Number(process.env.LEASE_DURATION),
      store: fileLease({ directory: process.env.LEASE_DIRECTORY }),
    }),
  ],
  providers: [Work],
})
class ReplicaModule {}

const app = await NestFactory.createApplicationContext(ReplicaModule, { logger: ['error', 'fatal'] });
app.enableShutdownHooks();
const election = app.get(LeaderElectionService);
const work = app.get(Work);
const tell = (message: Message) => process.connected && process.send?.(message);

election.leadership$.pipe(filter(Boolean)).subscribe(() => tell(work.begin()));
void firstValueFrom(election.leader$.pipe(filter((leader) => leader !== null && leader !== election.identity))).then(
  () => tell({ kind: 'standing-by' }),
);

/** Asks once a millisecond, and tells of each belief when it is over. */
let belief: Belief | null = null;
setInterval(() => {
  const asked = now();
  const leads = election.isLeader();
  const token = leads ? String(election.currentTerm()?.fencingToken) : null;
  if (belief && belief.token !== token) {
    tell({ kind: 'believed', belief });
    belief = null;
  }
  if (token !== null) belief = { token, from: belief?.from ?? now(), to: asked };
}, 1).unref();
process.once('disconnect', () => process.exit());
process.on('message', () => belief && tell({ kind: 'believed', belief }));
