import { Injectable } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { LeaderElectionService, OnlyWhenLeader, OnLeadershipAcquired } from 'nestjs-leader';
import { LeaderElectionTestingModule } from 'nestjs-leader/testing';
import { expect, it, onTestFinished } from 'vitest';

/** Keeps account of what is done, and refuses what comes late. */
class Hours {
  readonly open = new Set([10, 11]);
  private token = 0n;

  async dueBefore(_now: Date): Promise<number[]> {
    return [...this.open];
  }

  async close(hour: number, token: bigint): Promise<void> {
    if (token < this.token) throw new Error('a later term has been here');
    this.token = token;
    this.open.delete(hour);
  }
}

@Injectable()
class Closing {
  constructor(
    private readonly election: LeaderElectionService,
    private readonly hours: Hours,
  ) {}

  @Cron('0 * * * *')
  @OnlyWhenLeader()
  async closeHours() {
    const term = this.election.requireTerm();
    // Everything that is due, not "the hour that just struck": a lost tick is caught up by the next.
    for (const hour of await this.hours.dueBefore(new Date())) {
      // The token makes a doubled or belated run harmless: the database refuses the older one.
      await this.hours.close(hour, term.fencingToken);
    }
  }

  @OnLeadershipAcquired()
  catchUp() {
    return this.closeHours();
  }
}

it('a job that keeps account catches up on what fell into the gap', async () => {
  const app = await Test.createTestingModule({
    imports: [LeaderElectionTestingModule.forRoot()],
    providers: [Closing, Hours],
  }).compile();
  onTestFinished(() => app.close());
  await app.init();
  const { open } = app.get(Hours);
  await app.get(Closing).closeHours(); // the tick, on a standby
  expect([...open]).toEqual([10, 11]);
  await app.get(LeaderElectionTestingModule).grant();
  expect([...open]).toEqual([]);
});
