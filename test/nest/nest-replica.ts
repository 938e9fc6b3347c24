import { Test, type TestingModule } from '@nestjs/testing';
import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { getLeaderElectionToken, LeaderElectionModule, LeaderElectionService, memoryLease } from 'nestjs-leader';
import { onTestFinished } from 'vitest';

type Role = 'leader' | 'standby';

/** One replica of an application whose elections another replica holds (`standby`) or nobody else wants (`leader`). */
export class NestReplica {
  private constructor(
    readonly module: TestingModule,
    readonly app: INestApplication,
    private readonly store: ReturnType<typeof memoryLease>,
  ) {}

  /** Initialised; leading where it is to lead. `roles` names the elections, `default` among them. */
  static async boot(
    roles: Role | Record<string, Role>,
    metadata: ModuleMetadata,
    create = (module: TestingModule): INestApplication => module.createNestApplication({ logger: false }),
  ): Promise<NestReplica> {
    const elections = typeof roles === 'string' ? { default: roles } : roles;
    const store = memoryLease();
    const module = await Test.createTestingModule({
      ...metadata,
      imports: [
        LeaderElectionModule.forRoot({ leaseName: 'default', store }),
        ...Object.keys(elections)
          .filter((name) => name !== 'default')
          .map((name) => LeaderElectionModule.forFeature({ name, leaseName: name })),
        ...(metadata.imports ?? []),
      ],
    }).compile();
    const replica = new NestReplica(module, create(module), store);
    onTestFinished(() => replica.app.close());
    for (const [name, role] of Object.entries(elections)) if (role === 'standby') replica.occupy(name);
    await replica.app.init();
    for (const [name, role] of Object.entries(elections))
      if (role === 'leader') await replica.election(name).whenLeader();

    return replica;
  }

  election(name?: string): LeaderElectionService {
    return this.module.get(getLeaderElectionToken(name), { strict: false });
  }

  get<T>(type: new (...args: never[]) => T): T {
    return this.module.get<T>(type, { strict: false });
  }

  /** Another replica writes itself into the lease; resolves once this one has noticed. */
  async lose(name = 'default'): Promise<void> {
    const term = this.election(name).requireTerm();
    this.occupy(name);
    if (!term.signal.aborted) await new Promise((resolve) => term.signal.addEventListener('abort', resolve));
  }

  private occupy(name: string): void {
    const now = Date.now();
    this.store.edit(
      { name },
      {
        holder: 'another-replica',
        duration: 3_600_000,
        acquiredAt: now,
        renewedAt: now,
        term: 'theirs',
        writeId: String(now),
      },
    );
  }
}
