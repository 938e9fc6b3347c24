import { Injectable, Logger } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { LeaderElectionService, OnlyWhenLeader } from 'nestjs-leader';

@Injectable()
export class OrdersService {
  private readonly logger = new Logger('Orders');

  constructor(private readonly election: LeaderElectionService) {}

  @Cron(CronExpression.EVERY_SECOND)
  @OnlyWhenLeader()
  ship(): void {
    // A real job would send the token with every write, for the receiver to refuse an older one.
    this.logger.log(`shipping, fencing token ${this.election.requireTerm().fencingToken}`);
  }
}
