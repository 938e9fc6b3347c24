import { ELECTOR_FACTORY } from '../leader-election.constants.js';
import type { LeadershipControl } from './leadership-control.js';

/** What `Test.createTestingModule` returns, as far as it is needed here: `@nestjs/testing` is not imported. */
interface Builder<Self> {
  overrideProvider(token: string): { useValue(value: unknown): Self };
}

/**
 * Puts the elections of an application that imports `LeaderElectionModule` itself under control. Its stores are not used.
 *
 * ```ts
 * const control = new LeadershipControl();
 * const app = await overrideLeaderElection(Test.createTestingModule({ imports: [AppModule] }), control).compile();
 * await app.init();
 * await control.grant();
 * ```
 */
export function overrideLeaderElection<Self extends Builder<Self>>(builder: Self, control: LeadershipControl): Self {
  return builder.overrideProvider(ELECTOR_FACTORY).useValue(control.createElector);
}
