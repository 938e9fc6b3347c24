import { Scope, type Provider } from '@nestjs/common';
import { LeaderElectionModule, memoryLease, OnlyWhenLeader } from 'nestjs-leader';
import { withLeadership } from 'nestjs-leader/testing';
import { Test } from '@nestjs/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { NestReplica } from './nest-replica.js';

class Job {
  @OnlyWhenLeader() run() {
    return 'ran';
  }
}

class Twice {
  @OnlyWhenLeader() @OnlyWhenLeader('reports') run() {
    return 'ran';
  }
}

const given = (job: Job): Provider[] => [{ provide: Job, useValue: job }];

describe('a gated instance that was given to an application', () => {
  it('is gated by the next one once that is closed', async () => {
    const job = new Job();
    const first = await NestReplica.boot('leader', { providers: given(job) });
    await first.app.close();
    expect(job.run()).toBeUndefined();
    await NestReplica.boot('leader', { providers: given(job) });
    expect(job.run()).toBe('ran');
  });

  it('is gated by the next one once that has failed to boot', async () => {
    const job = new Job();
    const failing = { provide: 'failing', useValue: { onApplicationBootstrap: () => Promise.reject(new Error('no')) } };
    await expect(NestReplica.boot('leader', { providers: [...given(job), failing] })).rejects.toThrow('no');
    await NestReplica.boot('leader', { providers: given(job) });
    expect(job.run()).toBe('ran');
  });

  it('is not given to another one that runs beside it', async () => {
    const job = new Job();
    await NestReplica.boot('leader', { providers: given(job) });
    await expect(NestReplica.boot('standby', { providers: given(job) })).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringMatching(/^Job\.run is gated .* by an election that still runs/),
    });
    expect(job.run()).toBe('ran');
  });

  it('is gated by both elections of a method that names two', async () => {
    const providers = () => [{ provide: Twice, useFactory: () => new Twice() }];
    const both = await NestReplica.boot({ default: 'leader', reports: 'leader' }, { providers: providers() });
    expect(both.get(Twice).run()).toBe('ran');
    const one = await NestReplica.boot({ default: 'leader', reports: 'standby' }, { providers: providers() });
    expect(one.get(Twice).run()).toBeUndefined();
    const other = await NestReplica.boot({ default: 'standby', reports: 'leader' }, { providers: providers() });
    expect(other.get(Twice).run()).toBeUndefined();
  });

  it('is gated by both of them in a unit test too', async () => {
    const twice = new Twice();
    const control = await withLeadership(twice);
    expect(twice.run()).toBe('ran');
    await control.revoke('reports');
    expect(twice.run()).toBeUndefined();
  });

  it('says what is wrong when a factory made it for one consumer, where no election reaches it', async () => {
    const app = await Test.createTestingModule({
      imports: [LeaderElectionModule.forRoot({ leaseName: 'x', store: memoryLease() })],
      providers: [{ provide: Job, scope: Scope.TRANSIENT, useFactory: () => new Job() }],
    }).compile();
    onTestFinished(() => app.close());
    await app.init();
    const job = await app.resolve(Job);
    expect(() => job.run()).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('a factory did after the boot'),
        advice: expect.stringContaining('not a factory of request or transient scope'),
      }),
    );
  });
});

describe('an application with gated sagas and methods', () => {
  it('boots beside providers of any making', async () => {
    const strict = new Proxy(
      {},
      { get: (_, key) => (typeof key === 'string' && key.startsWith('on') ? undefined : null) },
    );
    const made = [Object.create(null), { constructor: 'a column' }, strict, 'text', 7, null, () => {}, []];
    const providers = made.map((useValue: unknown, index) => ({ provide: `made ${index}`, useValue }));
    const replica = await NestReplica.boot('leader', { providers: [...providers, Job] });
    expect(replica.get(Job).run()).toBe('ran');
  });
});
