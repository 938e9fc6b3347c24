import { Controller, Logger } from '@nestjs/common';
import {
  ClientProxyFactory,
  EventPattern,
  MessagePattern,
  Transport,
  type ClientProxy,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { OnlyWhenLeader } from 'nestjs-leader';
import { firstValueFrom, from, interval, of, toArray } from 'rxjs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { freePort } from '../../e2e/control-plane/free-ports.js';
import { NestReplica } from '../nest-replica.js';

@Controller()
class Handlers {
  readonly events: string[] = [];
  @MessagePattern('above') @OnlyWhenLeader() above(value: string) {
    return `answer to ${value}`;
  }
  @OnlyWhenLeader() @MessagePattern('below') async below(value: string) {
    return `answer to ${value}`;
  }
  @OnlyWhenLeader() @MessagePattern('observable') observable() {
    return of(1, 2, 3);
  }
  @OnlyWhenLeader() @EventPattern('event') event(value: string) {
    this.events.push(value);
  }
  @OnlyWhenLeader() @MessagePattern('endless') endless() {
    return interval(5);
  }
  answered!: (value: string) => void;
  @OnlyWhenLeader() @MessagePattern('pending') pending() {
    return from(new Promise<string>((resolve) => (this.answered = resolve)));
  }
  @MessagePattern('events') seen() {
    return this.events;
  }
}

/** A hybrid application: HTTP and TCP in one. */
async function connect(role: 'leader' | 'standby'): Promise<{ replica: NestReplica; client: ClientProxy }> {
  const options = { host: '127.0.0.1', port: await freePort() };
  const replica = await NestReplica.boot(role, { controllers: [Handlers] }, (module) => {
    const app = module.createNestApplication({ logger: false });
    app.connectMicroservice<MicroserviceOptions>({ transport: Transport.TCP, options }, { inheritAppConfig: true });
    return app;
  });
  await replica.app.startAllMicroservices();
  const client = ClientProxyFactory.create({ transport: Transport.TCP, options });
  onTestFinished(() => client.close());
  return { replica, client };
}

const ask = (client: ClientProxy, pattern: string) => firstValueFrom(client.send(pattern, 'x').pipe(toArray()));

describe('@nestjs/microservices over TCP, in a hybrid application', () => {
  it('answers on the leader', async () => {
    const { client } = await connect('leader');
    expect(await ask(client, 'above')).toEqual(['answer to x']);
    expect(await ask(client, 'below')).toEqual(['answer to x']);
    expect(await ask(client, 'observable')).toEqual([1, 2, 3]);
    client.emit('event', 'paid').subscribe();
    await vi.waitFor(async () => expect(await ask(client, 'events')).toEqual([['paid']]));
  });

  it('refuses on a standby with an error that reaches the caller', async () => {
    const { client } = await connect('standby');
    for (const pattern of ['above', 'below', 'observable'])
      await expect(ask(client, pattern)).rejects.toMatchObject({ status: 'error', code: 'NOT_LEADER' });
  });

  it('fails a stream whose term ends, so that what was sent does not pass for all of it', async () => {
    const { replica, client } = await connect('leader');
    const failure = new Promise((resolve) => {
      client.send<number>('endless', 'x').subscribe({
        next: (tick) => tick === 2 && void replica.election().stepDown(),
        error: resolve,
      });
    });
    await expect(failure).resolves.toMatchObject({ status: 'error', code: 'NOT_LEADER' });
  });

  it('waits, when it stops, for the answer of an Observable that has not given one yet', async () => {
    const { replica, client } = await connect('leader');
    const answer = ask(client, 'pending');
    const running = () => replica.election().status().running;
    await expect.poll(running).toBe(1);
    const left = replica.election().stepDown();
    expect([replica.election().isLeader(), running()]).toEqual([false, 1]);
    replica.get(Handlers).answered('paid');
    expect(await answer).toEqual(['paid']);
    await left;
  });

  it('runs no event handler on a standby, and warns at boot that the event is lost there', async () => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    onTestFinished(() => warn.mockRestore());
    const { client } = await connect('standby');
    expect(warn.mock.calls.flat().join()).toContain('Handlers.event is an @EventPattern');
    client.emit('event', 'paid').subscribe();
    await expect(ask(client, 'above')).rejects.toBeDefined();
    expect(await ask(client, 'events')).toEqual([[]]);
  });
});
