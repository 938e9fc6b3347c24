import { Controller, Get } from '@nestjs/common';
import { type ElectionStatus, LeaderElectionService } from 'nestjs-leader';

@Controller()
export class HealthController {
  constructor(private readonly election: LeaderElectionService) {}

  /**
   * Says nothing about leadership: a standby is ready, too. If only the leader were, a rolling update would wait for the new
   * pod to become leader, and the old leader for the new pod to become ready.
   */
  @Get('ready')
  ready(): string {
    return 'ready';
  }

  @Get('leader')
  leader(): ElectionStatus {
    return this.election.status();
  }
}
