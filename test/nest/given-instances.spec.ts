import { OnlyWhenLeader } from 'nestjs-leader';
import { withLeadership } from 'nestjs-leader/testing';
import { describe, expect, it } from 'vitest';
import { Replica } from './replica.js';

class Twice {
  @OnlyWhenLeader() @OnlyWhenLeader('reports') run() {
    return 'ran';
  }
}

describe('a gated instance that was given to an application', () => {
  it('is gated by both elections of a method that names two', async () => {
    const providers = () => [{ provide: Twice, useFactory: () => new Twice() }];
    const both = await Replica.boot({ default: 'leader', reports: 'leader' }, { providers: providers() });
    expect(both.get(Twice).run()).toBe('ran');
    const one = await Replica.boot({ default: 'leader', reports: 'standby' }, { providers: providers() });
    expect(one.get(Twice).run()).toBeUndefined();
    const other = await Replica.boot({ default: 'standby', reports: 'leader' }, { providers: providers() });
    expect(other.get(Twice).run()).toBeUndefined();
  });

  it('is gated by both of them in a unit test too', async () => {
    const twice = new Twice();
    const control = await withLeadership(twice);
    expect(twice.run()).toBe('ran');
    await control.revoke('reports');
    expect(twice.run()).toBeUndefined();
  });
});
