import { Inject, Module, type DynamicModule, type OnApplicationBootstrap } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { ROOT_OPTIONS } from '../leader-election.constants.js';
import { rootDefinition } from '../leader-election.providers.js';
import { memoryLease } from '../stores/memory/index.js';
import { LeadershipControl } from './leadership-control.js';

const INITIALLY_LEADER = 'nestjs-leader:initially-leader';

/** Of `LeaderElectionTestingModule.forRoot`. */
export interface LeaderElectionTestingOptions {
  /** Whether this replica leads, in every election, as soon as `init()` resolves. Default false. */
  leader?: boolean;
  /** As in `LeaderElectionModule.forRoot`. */
  drainTimeout?: number;
}

/**
 * Stands in for `LeaderElectionModule.forRoot` in tests: no store, and the test says who leads.
 *
 * ```ts
 * const app = await Test.createTestingModule({ imports: [LeaderElectionTestingModule.forRoot({ leader: true })], providers: [Job] }).compile();
 * await app.init();
 * await app.get(LeadershipControl).revoke();
 * ```
 *
 * @publicApi
 */
@Module({})
export class LeaderElectionTestingModule implements OnApplicationBootstrap {
  constructor(
    @Inject(LeadershipControl) private readonly control: LeadershipControl,
    @Inject(INITIALLY_LEADER) private readonly leader: boolean,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    // This hook runs after the elections have started, so that roles are assigned by the time `init()` resolves.
    for (const module of modules.values()) if (module.metatype === LeaderElectionTestingModule) module.distance = -2;
  }

  /** The default election, in the test's hands. Global, like the real one; `forFeature` elections follow it. */
  static forRoot({ leader = false, drainTimeout }: LeaderElectionTestingOptions = {}): DynamicModule {
    const control = new LeadershipControl();
    // Never used, but where no store is named one is chosen, which an environment of production refuses.
    const options = { leaseName: 'nestjs-leader/testing', store: memoryLease(), drainTimeout };
    const root = rootDefinition([{ provide: ROOT_OPTIONS, useValue: options }], control.createElector);
    return {
      ...root,
      module: LeaderElectionTestingModule,
      providers: [
        ...root.providers!,
        { provide: LeadershipControl, useValue: control },
        { provide: INITIALLY_LEADER, useValue: leader },
      ],
      exports: [...root.exports!, LeadershipControl],
    };
  }

  /** @internal */
  async onApplicationBootstrap(): Promise<void> {
    if (this.leader) await this.control.grantAll();
  }

  /** @see LeadershipControl.grant */
  grant(election?: string): Promise<void> {
    return this.control.grant(election);
  }

  /** @see LeadershipControl.revoke */
  revoke(election?: string): Promise<void> {
    return this.control.revoke(election);
  }

  /** @see LeadershipControl.handover */
  handover(election?: string): Promise<void> {
    return this.control.handover(election);
  }

  /** @see LeadershipControl.expire */
  expire(election?: string): Promise<void> {
    return this.control.expire(election);
  }
}
