import { describe, expect, it } from 'vitest';
import { channelOf } from '../../../lib/stores/postgres/schema/channel.js';
import { postgresNames } from '../../../lib/stores/postgres/schema/names.js';

const channel = (namespace: string, name: string, table?: string) =>
  channelOf(postgresNames({ table }), { namespace, name });

describe('the channel of a lease', () => {
  it('is its own, wherever a slash stands', () => {
    const keys = [
      ['prod', 'orders/worker'],
      ['prod/orders', 'worker'],
      ['prod', 'orders%2Fworker'],
      ['prod%2Forders', 'worker'],
      ['prod', 'orders%252Fworker'],
      ['prod/orders/worker', ''],
      ['', 'prod/orders/worker'],
    ] as const;
    expect(new Set(keys.map(([namespace, name]) => channel(namespace, name))).size).toBe(keys.length);
  });

  it('of a plain name is what tables of the first version tell on', () => {
    expect(channel('default', 'orders')).toBe('nestjs_leader_996bdeaedbd47015fbd7bbd1c3d3091a');
  });
});
