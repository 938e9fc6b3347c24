import {
  CommandBus,
  CommandHandler,
  CqrsModule,
  EventBus,
  EventsHandler,
  ofType,
  QueryBus,
  QueryHandler,
  Saga,
  UnhandledExceptionBus,
  type ICommandHandler,
  type IEventHandler,
  type IQueryHandler,
} from '@nestjs/cqrs';
import { Injectable, type Type } from '@nestjs/common';
import { isNotLeaderError, OnlyWhenLeader } from 'nestjs-leader';
import { delay, map, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { NestReplica } from '../nest-replica.js';

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
  NestReplica.boot(role, {
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

class Ordered {}
class Ship {}

@CommandHandler(Ship)
class ShipHandler implements ICommandHandler<Ship> {
  shipped = 0;
  async execute() {
    this.shipped += 1;
  }
}

const ship = (events$: Observable<object>) =>
  events$.pipe(
    ofType(Ordered),
    map(() => new Ship()),
  );

@Injectable()
class GatedAbove {
  @OnlyWhenLeader() @Saga() ordered(events$: Observable<object>): Observable<Ship> {
    return ship(events$);
  }
}
@Injectable()
class GatedBelow {
  @Saga() @OnlyWhenLeader() ordered(events$: Observable<object>) {
    return ship(events$);
  }
}
@OnlyWhenLeader()
@Injectable()
class GatedClass {
  @Saga() ordered(events$: Observable<object>): Observable<Ship> {
    return ship(events$);
  }
}
@OnlyWhenLeader()
@Injectable()
class GatedProperty {
  @Saga() ordered = (events$: Observable<object>): Observable<Ship> => ship(events$);
}

describe('a gated @Saga, which @nestjs/cqrs calls once, at boot', () => {
  const boot = async (role: 'leader' | 'standby', saga: Type) => {
    const imports = [CqrsModule.forRoot()];
    const replica = await NestReplica.boot(role, { imports, providers: [ShipHandler, saga] });
    const order = () => replica.get(EventBus).publish(new Ordered());
    return { replica, order, handler: replica.get(ShipHandler) };
  };

  it.each([GatedAbove, GatedBelow, GatedClass, GatedProperty])(
    'gives its commands on the leader, and none on a standby (%o)',
    async (saga) => {
      const leader = await boot('leader', saga);
      leader.order();
      leader.order();
      expect(leader.handler.shipped).toBe(2);
      const standby = await boot('standby', saga);
      standby.order();
      expect(standby.handler.shipped).toBe(0);
    },
  );

  it('goes on with the next term, after events that came to a standby', async () => {
    const { replica, order, handler } = await boot('leader', GatedBelow);
    order();
    await replica.election().stepDown({ cooldown: 50 });
    order();
    expect(handler.shipped).toBe(1);
    await replica.election().whenLeader();
    order();
    expect(handler.shipped).toBe(2);
  });

  it('is not ended by an event of work that goes on after its term', async () => {
    const { replica, order, handler } = await boot('leader', GatedBelow);
    const failures: unknown[] = [];
    replica.get(UnhandledExceptionBus).subscribe((failure) => failures.push(failure));
    let goOn!: () => void;
    const leftover = replica.election().runIfLeader(async () => {
      await new Promise<void>((resolve) => (goOn = resolve));
      order();
    });
    await replica.lose();
    goOn();
    await leftover;
    expect(handler.shipped).toBe(0);
    expect(failures).toEqual([]);
  });

  it('gives no command that is due when this replica no longer leads', async () => {
    @Injectable()
    class Later {
      @Saga() @OnlyWhenLeader() ordered(events$: Observable<object>) {
        return ship(events$).pipe(delay(20));
      }
    }
    const { replica, order, handler } = await boot('leader', Later);
    order();
    await replica.lose();
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(handler.shipped).toBe(0);
  });

  it('refuses to boot where it is to throw, which would end it', async () => {
    @Injectable()
    class Throwing {
      @Saga() @OnlyWhenLeader({ onStandby: 'throw' }) ordered(events$: Observable<object>) {
        return ship(events$);
      }
    }
    await expect(boot('leader', Throwing)).rejects.toThrow('Throwing.ordered is a @Saga()');
  });
});
