import { Injectable } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { OnlyWhenLeader } from 'nestjs-leader';
import { describe, expect, it } from 'vitest';
import { NestReplica } from '../nest-replica.js';

@Injectable()
class Listeners {
  readonly heard: string[] = [];
  @OnEvent('paid') @OnlyWhenLeader() above(order: string) {
    this.heard.push(`above ${order}`);
  }
  @OnlyWhenLeader() @OnEvent('paid') async below(order: string) {
    this.heard.push(`below ${order}`);
  }
}

async function heard(role: 'leader' | 'standby'): Promise<string[]> {
  const replica = await NestReplica.boot(role, { imports: [EventEmitterModule.forRoot()], providers: [Listeners] });
  await replica.get(EventEmitter2).emitAsync('paid', 'order 1');
  return replica.get(Listeners).heard.toSorted();
}

describe('@nestjs/event-emitter', () => {
  it('reaches listeners on the leader', async () => {
    expect(await heard('leader')).toEqual(['above order 1', 'below order 1']);
  });
  it('reaches none on a standby', async () => {
    expect(await heard('standby')).toEqual([]);
  });
});
