import {
  CommandBus,
  CommandHandler,
  CqrsModule,
  EventBus,
  EventsHandler,
  QueryBus,
  QueryHandler,
  type ICommandHandler,
  type IEventHandler,
  type IQueryHandler,
} from '@nestjs/cqrs';
import { isNotLeaderError, OnlyWhenLeader } from 'nestjs-leader';
import { describe, expect, it } from 'vitest';
import { Replica } from '../replica.js';

class Pay {}
class Refund {}
class Total {}
class Paid {}

@CommandHandler(Pay)
class PayHandler implements ICommandHandler<Pay> {
  @OnlyWhenLeader() async execute() {
    return 'paid';
  }
}

@OnlyWhenLeader()
@CommandHandler(Refund)
class RefundHandler implements ICommandHandler<Refund> {
  async execute() {
    return 'refunded';
  }
}

@QueryHandler(Total)
@OnlyWhenLeader()
class TotalHandler implements IQueryHandler<Total> {
  async execute() {
    return 42;
  }
}

@EventsHandler(Paid)
@OnlyWhenLeader()
class PaidHandler implements IEventHandler<Paid> {
  static handled = 0;
  handle() {
    PaidHandler.handled++;
  }
}

const boot = (role: 'leader' | 'standby') =>
  Replica.boot(role, {
    imports: [CqrsModule.forRoot()],
    providers: [PayHandler, RefundHandler, TotalHandler, PaidHandler],
  });

describe('@nestjs/cqrs', () => {
  it('executes commands and queries and handles events on the leader', async () => {
    const replica = await boot('leader');
    PaidHandler.handled = 0;
    expect(await replica.get(CommandBus).execute(new Pay())).toBe('paid');
    expect(await replica.get(CommandBus).execute(new Refund())).toBe('refunded');
    expect(await replica.get(QueryBus).execute(new Total())).toBe(42);
    replica.get(EventBus).publish(new Paid());
    expect(PaidHandler.handled).toBe(1);
  });

  it('refuses commands and queries on a standby, whose callers would take nothing for an answer, and skips events', async () => {
    const replica = await boot('standby');
    PaidHandler.handled = 0;
    await expect(replica.get(CommandBus).execute(new Pay())).rejects.toSatisfy(isNotLeaderError);
    await expect(replica.get(CommandBus).execute(new Refund())).rejects.toSatisfy(isNotLeaderError);
    await expect(replica.get(QueryBus).execute(new Total())).rejects.toSatisfy(isNotLeaderError);
    replica.get(EventBus).publish(new Paid());
    expect(PaidHandler.handled).toBe(0);
  });
});
