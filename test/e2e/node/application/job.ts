import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { LeaderElectionService, OnlyWhenLeader } from 'nestjs-leader';
import { monotonic } from './lines.js';
import { say } from './voice.js';

@Injectable()
export class Job implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly timers: NodeJS.Timeout[] = [];
  private believed = false;
  private asked = monotonic();

  constructor(private readonly election: LeaderElectionService) {}

  onApplicationBootstrap(): void {
    this.timers.push(
      setInterval(() => this.work(), 20),
      setInterval(() => this.ask(), 5),
    );
  }

  onApplicationShutdown(): void {
    for (const timer of this.timers) clearInterval(timer);
    this.ask();
  }

  @OnlyWhenLeader()
  work(): void {
    say({ kind: 'call', token: String(this.election.requireTerm().fencingToken) });
  }

  /** Tells changes only: the calls show every 20 ms that a belief lasts. */
  private ask(): void {
    const before = monotonic();
    const leader = this.election.isLeader();
    if (leader !== this.believed) say({ kind: 'belief', leader, since: this.asked });
    [this.believed, this.asked] = [leader, before];
  }
}
