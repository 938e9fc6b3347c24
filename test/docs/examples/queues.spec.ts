import { Controller, Inject, Injectable, Module, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, MessagePattern, Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { createServer, type AddressInfo } from 'node:net';
import { OnLeadershipAcquired, OnLeadershipLost, type LeadershipTerm } from 'nestjs-leader';
import { LeaderElectionTestingModule, LeadershipControl } from 'nestjs-leader/testing';
import { firstValueFrom } from 'rxjs';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';

/** What consumers have in common. `pause` resolves when nothing is being worked on any more. */
interface Consumer {
  resume(): void | Promise<void>;
  pause(): void | Promise<void>;
}

@Injectable()
class LeaderConsumer {
  constructor(@Inject('CONSUMER') private readonly consumer: Consumer) {}

  @OnLeadershipAcquired()
  async begin(term: LeadershipTerm) {
    await this.consumer.resume();
    // Lost while it was being started: the lost handler may have come first.
    if (term.signal.aborted) await this.consumer.pause();
  }

  @OnLeadershipLost()
  async end() {
    await this.consumer.pause();
  }
}

@Controller()
class Consumers {
  @MessagePattern('work') work() {
    return 'done';
  }
}

@Module({ controllers: [Consumers] })
class ConsumersModule {}

const transport = { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 }, logger: false } as const;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

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
