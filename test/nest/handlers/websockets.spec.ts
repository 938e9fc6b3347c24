import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { OnlyWhenLeader } from 'nestjs-leader';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { NestReplica } from '../nest-replica.js';

@WebSocketGateway()
class Gateway {
  @SubscribeMessage('above') @OnlyWhenLeader() above() {
    return { event: 'answer', data: 'above' };
  }
  @OnlyWhenLeader() @SubscribeMessage('below') below() {
    return { event: 'answer', data: 'below' };
  }
}

async function connect(role: 'leader' | 'standby') {
  const replica = await NestReplica.boot(role, { providers: [Gateway] }, (module) => {
    const app = module.createNestApplication({ logger: false });
    return app.useWebSocketAdapter(new WsAdapter(app));
  });
  await replica.app.listen(0, '127.0.0.1');
  const socket = new WebSocket((await replica.app.getUrl()).replace('http', 'ws'));
  await once(socket, 'open');
  onTestFinished(() => socket.close());
  return async (event: string) => {
    socket.send(JSON.stringify({ event }));
    const [answer] = await once(socket, 'message');
    return JSON.parse(String(answer));
  };
}

describe('@nestjs/websockets', () => {
  it('answers on the leader', async () => {
    const ask = await connect('leader');
    expect(await ask('above')).toEqual({ event: 'answer', data: 'above' });
    expect(await ask('below')).toEqual({ event: 'answer', data: 'below' });
  });

  it('refuses on a standby with an exception that reaches the client', async () => {
    const ask = await connect('standby');
    for (const event of ['above', 'below'])
      expect(await ask(event)).toMatchObject({ event: 'exception', data: { status: 'error', code: 'NOT_LEADER' } });
  });
});
