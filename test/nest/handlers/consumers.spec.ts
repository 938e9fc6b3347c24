import { Injectable, SetMetadata } from '@nestjs/common';
import { isNotLeaderError, OnlyWhenLeader } from 'nestjs-leader';
import { describe, expect, it } from 'vitest';
import { NestReplica } from '../nest-replica.js';

/** What the decorators leave on a method, as read in the packages: they are not installed here. */
const CONSUMERS: ReadonlyArray<readonly [decorator: string, key: string | symbol]> = [
  ['@Process of @nestjs/bull', 'bull:module_queue_process'],
  ['@SqsMessageHandler of @ssut/nestjs-sqs', Symbol.for('SQS_CONSUMER_METHOD')],
  ['@RabbitSubscribe and @RabbitRPC of @golevelup/nestjs-rabbitmq', Symbol('RABBIT_HANDLER')],
  ['@RMQRoute of nestjs-rmq', 'RMQ_ROUTES_PATH'],
  ['@Define and @Every of agenda-nest', Symbol('AGENDA_MODULE:JOB_PROCESSOR_TYPE')],
  ['the job decorators of the pg-boss wrappers', 'PG_BOSS_JOB_METADATA'],
  ['@TaskHandler of nestjs-graphile-worker', Symbol.for('TASK_HANDLER_METADATA')],
  ['@Activity of nestjs-temporal', '_temporal_module_activity'],
  ['@ActivityMethod of nestjs-temporal-core', 'TEMPORAL_ACTIVITY_METHOD'],
  ['@StripeWebhookHandler of @golevelup/nestjs-stripe', Symbol('STRIPE_WEBHOOK_HANDLER')],
  ['@HasuraEventHandler of @golevelup/nestjs-hasura', Symbol('HASURA_EVENT_HANDLER')],
  ['@Tool of @rekog/mcp-nest', 'mcp:tool'],
];

// SetMetadata takes symbols, too.
const leave = (key: string | symbol) => SetMetadata(key as string, { name: 'invoices' });

describe('a queue that calls a gated method on a standby', () => {
  it.each(CONSUMERS)('is told that the job failed, and does not count it as done: %s', async (_, key) => {
    @Injectable()
    class Gated {
      @leave(key) @OnlyWhenLeader() above() {
        return 'worked';
      }
      @OnlyWhenLeader() @leave(key) async below() {
        return 'worked';
      }
    }
    @OnlyWhenLeader()
    @Injectable()
    class GatedClass {
      @leave(key) async job() {
        return 'worked';
      }
    }
    const standby = await NestReplica.boot('standby', { providers: [Gated, GatedClass] });
    await expect(standby.get(Gated).above()).rejects.toSatisfy(isNotLeaderError);
    await expect(standby.get(Gated).below()).rejects.toSatisfy(isNotLeaderError);
    await expect(standby.get(GatedClass).job()).rejects.toSatisfy(isNotLeaderError);

    const leader = await NestReplica.boot('leader', { providers: [Gated, GatedClass] });
    expect(leader.get(Gated).above()).toBe('worked');
    await expect(leader.get(GatedClass).job()).resolves.toBe('worked');
  });

  it.each([
    ['a job of pg-boss', 'PGBOSS_JOB_HANDLER'],
    ['a command of nest-commander', 'CommandBuilder:Command:Meta'],
  ])('is told so by a class whose decorator says what it is: %s', async (_, key) => {
    @OnlyWhenLeader()
    @SetMetadata(key, 'SendInvoice')
    class SendInvoice {
      async run() {
        return 'worked';
      }
    }
    const standby = await NestReplica.boot('standby', { providers: [SendInvoice] });
    await expect(standby.get(SendInvoice).run()).rejects.toSatisfy(isNotLeaderError);
  });

  it('hears nothing where the method is told to skip', async () => {
    @Injectable()
    class Told {
      @leave('bull:module_queue_process') @OnlyWhenLeader({ onStandby: 'skip' }) async job() {
        return 'worked';
      }
    }
    const standby = await NestReplica.boot('standby', { providers: [Told] });
    await expect(standby.get(Told).job()).resolves.toBeUndefined();
  });
});

describe('metadata of documentation, tracing, caching and rate limits', () => {
  const KEYS = [
    'swagger/apiOperation',
    'OPEN_TELEMETRY_TRACE_METADATA',
    'cache_module:cache_key',
    'THROTTLER:TTLdefault',
  ];

  it.each(KEYS)('decides nothing: neither that a method is a handler nor that it is refused (%s)', async (key) => {
    @OnlyWhenLeader()
    @Injectable()
    class Jobs {
      @leave(key) helper() {
        return 'ran';
      }
      @OnlyWhenLeader() @leave(key) tick() {
        return 'ran';
      }
      @leave('bull:module_queue_process') @leave(key) async job() {
        return 'worked';
      }
    }
    const jobs = (await NestReplica.boot('standby', { providers: [Jobs] })).get(Jobs);
    expect(jobs.helper()).toBe('ran');
    expect(jobs.tick()).toBeUndefined();
    await expect(jobs.job()).rejects.toSatisfy(isNotLeaderError);
  });
});
