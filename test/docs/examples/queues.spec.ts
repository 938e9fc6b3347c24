import { Controller, Injectable, Module, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, MessagePattern, Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import type { Channel, ConsumeMessage } from 'amqplib';
import type { Kafka } from 'kafkajs';
import { OnLeadershipAcquired, OnLeadershipLost } from 'nestjs-leader';
import { LeaderElectionTestingModule, LeadershipControl } from 'nestjs-leader/testing';
import { firstValueFrom } from 'rxjs';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../e2e/control-plane/free-ports.js';
import { KafkaConsumer, LeaderConsumer, RabbitConsumer, type Consumer } from './consumers.js';

@Controller()
class Consumers {
  @MessagePattern('work') work() {
    return 'done';
  }
}

@Module({ controllers: [Consumers] })
class ConsumersModule {}

const transport = { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 }, logger: false } as const;

@Injectable()
class LeaderMicroservice {
  private running?: INestMicroservice;

  @OnLeadershipAcquired()
  async begin() {
    this.running = await NestFactory.createMicroservice<MicroserviceOptions>(ConsumersModule, transport);
    await this.running.listen();
  }

  @OnLeadershipLost()
  async end() {
    await this.running?.close();
  }
}

/** As far as one consumer of one queue goes: at most `prefetch` messages unacknowledged, none after `cancel`, back in front on `nack`. */
class FakeRabbitQueue {
  readonly delivered: string[] = [];
  readonly acknowledged: string[] = [];
  private deliver: ((message: ConsumeMessage) => void) | undefined;
  private prefetched = Number.POSITIVE_INFINITY;
  private unacknowledged = 0;

  constructor(private readonly waiting: string[]) {}

  channel(): Channel {
    const channel: Partial<Channel> = {
      prefetch: async (count) => {
        this.prefetched = count;
        return {};
      },
      consume: async (_queue, deliver) => {
        this.deliver = deliver;
        this.pump();
        return { consumerTag: 'tag' };
      },
      cancel: async () => {
        this.deliver = undefined;
        return { consumerTag: 'tag' };
      },
      ack: ({ content }) => this.settled(() => this.acknowledged.push(String(content))),
      nack: ({ content }) => this.settled(() => this.waiting.unshift(String(content))),
    };
    return channel as Channel;
  }

  private settled(note: () => void): void {
    this.unacknowledged -= 1;
    note();
    queueMicrotask(() => this.pump());
  }

  private pump(): void {
    while (this.deliver !== undefined && this.unacknowledged < this.prefetched && this.waiting.length > 0) {
      const content = this.waiting.shift()!;
      this.unacknowledged += 1;
      this.delivered.push(content);
      this.deliver({ content: Buffer.from(content) } as ConsumeMessage);
    }
  }
}

describe('the examples about queues', () => {
  beforeAll(async () => {
    Object.assign(transport.options, { port: await freePort() });
  });

  const boot = async (...providers: NonNullable<Parameters<typeof Test.createTestingModule>[0]['providers']>) => {
    const imports = [LeaderElectionTestingModule.forRoot()];
    const app = await Test.createTestingModule({ imports, providers }).compile();
    onTestFinished(() => app.close());
    await app.init();
    return app.get(LeadershipControl);
  };

  it('consume on the leader, and pause before the lease goes', async () => {
    const told: string[] = [];
    const consumer: Consumer = { resume: () => void told.push('resume'), pause: () => void told.push('pause') };
    const control = await boot(LeaderConsumer, { provide: 'CONSUMER', useValue: consumer });
    expect(told).toEqual([]);
    await control.grant();
    expect(told).toEqual(['resume']);
    await control.handover();
    await control.grant();
    await control.revoke();
    expect(told).toEqual(['resume', 'pause', 'resume', 'pause']);
  });

  it('RabbitMQ: work on one message at a time, and wait for it before the lease goes', async () => {
    const queue = new FakeRabbitQueue(['a', 'b', 'bad', 'c']);
    const done: string[] = [];
    let finish: (how: 'done' | 'failed') => void = () => {};
    const consumer = new RabbitConsumer(queue.channel(), 'invoices', async ({ content }) => {
      const how = await new Promise((resolve) => (finish = resolve));
      if (how === 'failed') throw new Error('cannot be sent');
      done.push(String(content));
    });
    const control = await boot(LeaderConsumer, { provide: 'CONSUMER', useValue: consumer });
    expect(queue.delivered).toEqual([]);

    await control.grant();
    expect(queue.delivered).toEqual(['a']);
    const handedOver = control.handover();
    await new Promise((resolve) => setTimeout(resolve, 10));
    finish('done');
    await handedOver;
    // In hand when the lease was asked for: finished. The next one is the next leader's.
    expect(done).toEqual(['a']);
    expect(queue.delivered).toEqual(['a']);
    expect(queue.acknowledged).toEqual(['a']);

    await control.grant();
    finish('done');
    await expect.poll(() => queue.delivered).toEqual(['a', 'b', 'bad']);
    finish('failed');
    await expect.poll(() => queue.delivered).toEqual(['a', 'b', 'bad', 'bad']);
    finish('done');
    await expect.poll(() => queue.acknowledged).toEqual(['a', 'b', 'bad']);
    finish('done');
  });

  it('Kafka: join the group to consume, and leave it', async () => {
    const calls: string[] = [];
    const note = (call: string) => async (argument?: object) =>
      void calls.push(argument === undefined ? call : `${call} ${Object.keys(argument).join()}`);
    const consumer = (options: object) => {
      calls.push(`consumer ${Object.keys(options).join()}`);
      return {
        connect: note('connect'),
        subscribe: note('subscribe'),
        run: note('run'),
        disconnect: note('disconnect'),
      };
    };
    const kafka = new KafkaConsumer({ consumer } as unknown as Kafka, 'invoices', async () => {});
    const control = await boot(LeaderConsumer, { provide: 'CONSUMER', useValue: kafka });
    expect(calls).toEqual([]);
    await control.grant();
    const joined = [
      'consumer groupId,sessionTimeout,heartbeatInterval',
      'connect',
      'subscribe topics',
      'run autoCommitThreshold,eachMessage',
    ];
    expect(calls).toEqual(joined);
    await control.handover();
    await control.grant();
    expect(calls).toEqual([...joined, 'disconnect', ...joined]);
  });

  it('open a transport on the leader only', async () => {
    const control = await boot(LeaderMicroservice);
    const ask = async () => {
      const client = ClientProxyFactory.create(transport);
      try {
        return await firstValueFrom(client.send('work', {}));
      } finally {
        await client.close();
      }
    };
    await expect(ask()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await control.grant();
    // An acquired handler may run as long as its term, so `grant()` does not wait for one that takes its time.
    await expect.poll(() => ask().catch(({ code }: { code: string }) => code)).toBe('done');
    await control.handover();
    await expect(ask()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
