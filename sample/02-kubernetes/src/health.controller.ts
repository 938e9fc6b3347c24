import { Controller, Get, ServiceUnavailableException } from '@nestjs/common';
import { type ElectionStatus, LeaderElectionService } from 'nestjs-leader';

@Controller()
export class HealthController {
  constructor(private readonly election: LeaderElectionService) {}

  /**
   * Says nothing about leadership: a standby is ready, too. If only the leader were, a rolling update would wait for the new
   * pod to become leader, and the old leader for the new pod to become ready. It waits until this replica could take over, so
   * that the old leader is not stopped while every new pod still boots.
   */
  @Get('ready')
  ready(): string {
    if (!this.election.isReady()) throw new ServiceUnavailableException('the lease has not been read yet');
    return 'ready';
  }

  @Get('leader')
  leader(): ElectionStatus {
    return this.election.status();
  }
}
