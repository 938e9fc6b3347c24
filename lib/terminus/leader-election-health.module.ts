import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { LeaderElectionHealthIndicator } from './leader-election.health.js';

/**
 * Provides `LeaderElectionHealthIndicator`. Needs `LeaderElectionModule.forRoot` in the application.
 *
 * @publicApi
 */
@Module({
  imports: [TerminusModule],
  providers: [LeaderElectionHealthIndicator],
  exports: [LeaderElectionHealthIndicator],
})
export class LeaderElectionHealthModule {}
