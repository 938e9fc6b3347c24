import { Injectable, Scope, SetMetadata, type Type } from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  isNotLeaderError,
  LeaderElectionService,
  OnlyWhenLeader,
  OnLeadershipAcquired,
  OnLeadershipLost,
} from 'nestjs-leader';
import { firstValueFrom, from, interval, Observable, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { NestReplica } from './nest-replica.js';

@Injectable()
class Job {
  calls = 0;

  constructor(readonly election: LeaderElectionService) {}

  @OnlyWhenLeader() sync(by = 1) {
    return (this.calls += by);
  }
  @OnlyWhenLeader() async async(by = 1) {
    return (this.calls += by);
  }
  @OnlyWhenLeader() promised(): Promise<number> {
    return Promise.resolve(++this.calls);
  }
  @OnlyWhenLeader() observable(): Observable<number> {
    return from([++this.calls]);
  }
  @OnlyWhenLeader() *generator() {
    yield ++this.calls;
  }
  @OnlyWhenLeader() async *asyncGenerator() {
    yield ++this.calls;
  }
  @OnlyWhenLeader({ onStandby: 'throw' }) syncOrThrow() {
    return ++this.calls;
  }
  @OnlyWhenLeader({ onStandby: 'throw' }) async asyncOrThrow() {
    return ++this.calls;
  }
  @OnlyWhenLeader() throwsSync() {
    throw new Error('sync');
  }
  @OnlyWhenLeader() async rejects() {
    throw new Error('async');
  }
}

const collect = async <T>(values: AsyncIterable<T>) => {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
};

describe('a method under @OnlyWhenLeader', () => {
  it('is as it was while this replica leads', async () => {
    const job = (await NestReplica.boot('leader', { providers: [Job] })).get(Job);
    expect(job.sync(5)).toBe(5);
    await expect(job.async(2)).resolves.toBe(7);
    await expect(job.promised()).resolves.toBe(8);
    await expect(firstValueFrom(job.observable())).resolves.toBe(9);
    expect([...job.generator()]).toEqual([10]);
    expect(await collect(job.asyncGenerator())).toEqual([11]);
    expect(() => job.throwsSync()).toThrow('sync');
    await expect(job.rejects()).rejects.toThrow('async');
    expect(job.sync.name).toBe('sync');
  });

  it('does not run on a standby, and returns nothing in the shape that its caller awaits', async () => {
    const job = (await NestReplica.boot('standby', { providers: [Job] })).get(Job);
    expect(job.sync()).toBeUndefined();
    const skipped = [job.async(), job.promised()];
    expect(skipped.every((result) => result instanceof Promise)).toBe(true);
    expect(await Promise.all(skipped)).toEqual([undefined, undefined]);
    expect(await firstValueFrom(job.observable().pipe(toArray()))).toEqual([]);
    expect([...job.generator()]).toEqual([]);
    expect(await collect(job.asyncGenerator())).toEqual([]);
    expect(job.calls).toBe(0);
  });

  it('throws on a standby where it is told to', async () => {
    const job = (await NestReplica.boot('standby', { providers: [Job] })).get(Job);
    expect(() => job.syncOrThrow()).toThrow('does not lead');
    await expect(job.asyncOrThrow()).rejects.toSatisfy(isNotLeaderError);
    expect(job.calls).toBe(0);
  });

  it('keeps the metadata of decorators below it, and those above find theirs', async () => {
    class Decorated {
      @SetMetadata('above', 1)
      @OnlyWhenLeader()
      @SetMetadata('below', 2)
      method() {}
    }
    expect(Reflect.getMetadata('above', Decorated.prototype.method)).toBe(1);
    expect(Reflect.getMetadata('below', Decorated.prototype.method)).toBe(2);
  });

  it('says where an election comes from, when its instance was not made by Nest', async () => {
    const job = new Job(undefined as never);
    expect(() => job.sync()).toThrow(/LeaderElection:default was not injected.+withLeadership\(instance\)/);
    await expect(Promise.resolve().then(() => job.sync())).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      advice: expect.stringContaining('nestjs-leader/testing'),
    });
  });

  it('says so in the rejection that its caller awaits, if it is asynchronous', async () => {
    const result = new Job(undefined as never).async();
    await expect(result).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  });

  it('says that it was passed on unbound, where its instance is missing', async () => {
    const job = (await NestReplica.boot('leader', { providers: [Job] })).get(Job);
    const { sync, async: asynchronous } = job;
    const advice = 'Pass () => this.sync() or this.sync.bind(this).';
    const message = expect.stringMatching(/^Job\.sync .* was called without its instance/);
    const call = (self: unknown) => () => sync.call(self as Job);
    for (const self of [undefined, globalThis, {}, Object.create(null)])
      expect(call(self)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG', message, advice }));

    await expect(asynchronous.call(undefined as never)).rejects.toThrow('Job.async');
    expect(sync.bind(job)()).toBe(1);
  });

  it('names the compiler option where decorators are compiled as standard ones', () => {
    type Standard = (value: object, context: object) => void;
    const decorators = { OnlyWhenLeader, OnLeadershipAcquired, OnLeadershipLost };
    for (const [name, decorator] of Object.entries(decorators)) {
      const standard = (decorator as () => unknown)() as Standard;
      expect(() => standard(() => {}, { kind: 'method', name: 'tick' })).toThrow(
        expect.objectContaining({
          message: expect.stringContaining(`@${name} on tick was compiled as a standard (TC39) decorator`),
          advice: expect.stringContaining('"experimentalDecorators": true'),
        }),
      );
    }
    const onClass = OnlyWhenLeader() as unknown as Standard;
    expect(() => onClass(Job, { kind: 'class', name: 'Job' })).toThrow('on Job was compiled');
  });

  it('lets the error of Nest say what to import, where nothing provides the election', async () => {
    class Reports {
      @OnlyWhenLeader('reports') build() {}
    }
    const boot = (provider: Type) => Test.createTestingModule({ providers: [provider] }).compile();
    class Invoices {
      @OnlyWhenLeader() send() {}
    }
    await expect(boot(Invoices)).rejects.toThrow('nestjs-leader: import LeaderElectionModule.forRoot()');
    await expect(boot(Reports)).rejects.toThrow("import LeaderElectionModule.forFeature({ name: 'reports' })");
  });

  it('cannot be a lifecycle hook, which would never run, and says so when the class is defined', () => {
    expect(() => {
      class WithHook {
        @OnlyWhenLeader() onApplicationBootstrap() {}
      }
      return WithHook;
    }).toThrow('WithHook.onApplicationBootstrap');
  });

  it('cannot be static or an accessor, and says so when the class is defined', () => {
    expect(() => {
      class WithStatic {
        @OnlyWhenLeader() static job() {}
      }
      return WithStatic;
    }).toThrow('WithStatic.job');
    expect(() => {
      class WithAccessor {
        @OnlyWhenLeader() get job() {
          return 1;
        }
      }
      return WithAccessor;
    }).toThrow('WithAccessor.job');
  });

  it('follows the election that it names', async () => {
    @Injectable()
    class TwoJobs {
      @OnlyWhenLeader() orders() {
        return 'ran';
      }
      @OnlyWhenLeader('reports') reports() {
        return 'ran';
      }
    }
    const jobs = (await NestReplica.boot({ default: 'standby', reports: 'leader' }, { providers: [TwoJobs] })).get(
      TwoJobs,
    );
    expect(jobs.orders()).toBeUndefined();
    expect(jobs.reports()).toBe('ran');
  });

  it('is gated in subclasses, with two applications in one process each by its own election', async () => {
    @Injectable()
    class Nightly extends Job {}
    const leader = await NestReplica.boot('leader', { providers: [Nightly] });
    const standby = await NestReplica.boot('standby', { providers: [Nightly] });
    expect(leader.get(Nightly).sync()).toBe(1);
    expect(standby.get(Nightly).sync()).toBeUndefined();
  });

  it('is gated in instances that a factory or a value brings in', async () => {
    class Plain {
      @OnlyWhenLeader() job() {
        return 'ran';
      }
    }
    const providers = [
      { provide: 'made', useFactory: async () => new Plain() },
      { provide: 'given', useValue: new Plain() },
    ];
    const leader = await NestReplica.boot('leader', { providers });
    expect(leader.module.get('made').job()).toBe('ran');
    expect(leader.module.get('given').job()).toBe('ran');
    const standby = await NestReplica.boot('standby', {
      providers: [{ provide: 'made', useFactory: () => new Plain() }],
    });
    expect(standby.module.get('made').job()).toBeUndefined();
  });

  it('refuses an instance that cannot be handed its election', async () => {
    class Plain {
      @OnlyWhenLeader() job() {
        return 'ran';
      }
    }
    const providers = [{ provide: 'given', useValue: Object.freeze(new Plain()) }];
    await expect(NestReplica.boot('leader', { providers })).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringMatching(/^Plain\.job is gated by @OnlyWhenLeader, but .* is frozen/),
    });
  });

  it('is gated in request-scoped and transient providers', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      @OnlyWhenLeader() job() {
        return 'ran';
      }
    }
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient {
      @OnlyWhenLeader() job() {
        return 'ran';
      }
    }
    const results = async (role: 'leader' | 'standby') => {
      const { module } = await NestReplica.boot(role, { providers: [PerRequest, Transient] });
      const moduleRef = module.get(ModuleRef);
      const perRequest = await moduleRef.resolve(PerRequest, ContextIdFactory.create(), { strict: false });
      return [perRequest.job(), (await module.resolve(Transient)).job()];
    };
    expect(await results('leader')).toEqual(['ran', 'ran']);
    expect(await results('standby')).toEqual([undefined, undefined]);
  });
});

describe('a class under @OnlyWhenLeader', () => {
  const Handler = () => SetMetadata('some-framework:handler', true);

  class Base {
    @Handler() inherited() {
      return 'ran';
    }
  }

  @OnlyWhenLeader()
  @Injectable()
  class Jobs extends Base {
    initialised = false;
    onModuleInit() {
      this.initialised = true;
    }
    @Handler() handler() {
      return `ran ${this.helper()}`;
    }
    helper() {
      return 'with helper';
    }
    execute() {
      return 'no command handler';
    }
    @OnLeadershipAcquired() acquired() {
      return 'told';
    }
    get accessor() {
      return 'read';
    }
  }

  it('gates its handlers, inherited ones too, and nothing else', async () => {
    const standby = (await NestReplica.boot('standby', { providers: [Jobs] })).get(Jobs);
    expect(standby.handler()).toBeUndefined();
    expect(standby.inherited()).toBeUndefined();
    expect(standby.helper()).toBe('with helper');
    expect(standby.execute()).toBe('no command handler');
    expect(standby.acquired()).toBe('told');
    expect(standby.accessor).toBe('read');
    expect(standby.initialised).toBe(true);

    const leader = (await NestReplica.boot('leader', { providers: [Jobs] })).get(Jobs);
    expect(leader.handler()).toBe('ran with helper');
    expect(leader.inherited()).toBe('ran');
  });

  it('leaves the class that it extends alone', async () => {
    const { module } = await NestReplica.boot('standby', { providers: [Base, Jobs] });
    expect(module.get(Base).inherited()).toBe('ran');
  });

  it('leaves a method to its own decorator', async () => {
    @OnlyWhenLeader()
    @Injectable()
    class Mixed {
      @OnlyWhenLeader('reports') @Handler() report() {
        return 'ran';
      }
    }
    const replica = await NestReplica.boot({ default: 'standby', reports: 'leader' }, { providers: [Mixed] });
    expect(replica.get(Mixed).report()).toBe('ran');
  });
});

describe('admitted work', () => {
  @Injectable()
  class Work {
    resume!: () => void;
    seen: Array<bigint | undefined> = [];
    constructor(readonly election: LeaderElectionService) {}

    @OnlyWhenLeader() inner() {
      return 'joined';
    }
    @OnlyWhenLeader() async outer() {
      await new Promise<void>((resolve) => (this.resume = resolve));
      this.seen.push(this.election.currentTerm()?.fencingToken);
      return this.inner();
    }
    @OnlyWhenLeader() ticks(): Observable<number> {
      return new Observable((subscriber) => {
        const source = interval(1).subscribe((tick) => {
          this.seen.push(this.election.currentTerm()?.fencingToken);
          subscriber.next(tick);
        });
        return () => source.unsubscribe();
      });
    }
    @OnlyWhenLeader() async *pages() {
      try {
        for (let page = 0; ; page++) {
          await new Promise((resolve) => setTimeout(resolve, 1));
          this.seen.push(this.election.currentTerm()?.fencingToken);
          yield page;
        }
      } finally {
        this.seen.push(-1n);
      }
    }
  }

  it('calls other gated methods in its own term, also while that is drained', async () => {
    const replica = await NestReplica.boot('leader', { providers: [Work] });
    const work = replica.get(Work);
    const { fencingToken, signal } = replica.election().requireTerm();
    const running = work.outer();
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
    const closing = replica.app.close();
    await aborted;
    expect(replica.election().isLeader()).toBe(false);
    work.resume();
    await expect(running).resolves.toBe('joined');
    expect(work.seen).toEqual([fencingToken]);
    await closing;
  });

  it('fails, and does not skip, when it goes on after its term was lost', async () => {
    const replica = await NestReplica.boot('leader', { providers: [Work] });
    const work = replica.get(Work);
    const running = work.outer();
    await replica.lose();
    work.resume();
    await expect(running).rejects.toSatisfy(isNotLeaderError);
  });

  it('covers an Observable for as long as it is consumed, and ends it with the term', async () => {
    const replica = await NestReplica.boot('leader', { providers: [Work] });
    const work = replica.get(Work);
    const { fencingToken } = replica.election().requireTerm();
    const ticks: number[] = [];
    const ended = new Promise((resolve) => {
      work
        .ticks()
        .subscribe({ next: (tick) => ticks.push(tick) === 3 && void replica.election().stepDown(), error: resolve });
    });
    await expect(ended).resolves.toSatisfy(isNotLeaderError);
    expect(new Set(work.seen)).toEqual(new Set([fencingToken]));
    expect(ticks).toEqual([0, 1, 2]);
  });

  it('covers an async iterator for as long as it is consumed, and ends it with the term', async () => {
    const replica = await NestReplica.boot('leader', { providers: [Work] });
    const work = replica.get(Work);
    const { fencingToken } = replica.election().requireTerm();
    const consuming = (async () => {
      for await (const page of work.pages()) if (page === 2) void replica.election().stepDown();
    })();
    await expect(consuming).rejects.toSatisfy(isNotLeaderError);
    await replica.app.close();
    expect(work.seen.slice(0, 3)).toEqual([fencingToken, fencingToken, fencingToken]);
    expect(work.seen.at(-1)).toBe(-1n);
  });

  it('is not extended by a stream that nobody consumes any more', async () => {
    const replica = await NestReplica.boot('leader', { providers: [Work] });
    const work = replica.get(Work);
    const settled = (count: number) => expect.poll(() => replica.election().status().running).toBe(count);
    work.ticks();
    work.pages();
    await settled(0);
    const subscription = work.ticks().subscribe();
    expect(replica.election().status().running).toBe(1);
    subscription.unsubscribe();
    await settled(0);
  });
});
