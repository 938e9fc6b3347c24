import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { GraphQLModule, Mutation, Query, Resolver } from '@nestjs/graphql';
import { OnlyWhenLeader } from 'nestjs-leader';
import { describe, expect, it } from 'vitest';
import { NestReplica } from '../nest-replica.js';

@Resolver()
class Orders {
  @Query(() => String) @OnlyWhenLeader() above() {
    return 'above';
  }
  @OnlyWhenLeader() @Query(() => String) async below() {
    return 'below';
  }
  @OnlyWhenLeader() @Mutation(() => String) pay() {
    return 'paid';
  }
  @Query(() => String) ungated() {
    return 'ungated';
  }
}

async function serve(role: 'leader' | 'standby') {
  const replica = await NestReplica.boot(role, {
    imports: [GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true })],
    providers: [Orders],
  });
  await replica.app.listen(0, '127.0.0.1');
  const url = `${await replica.app.getUrl()}/graphql`;
  return async (query: string) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
    return {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      ...((await response.json()) as object),
    };
  };
}

describe('@nestjs/graphql', () => {
  it('resolves on the leader', async () => {
    const ask = await serve('leader');
    expect(await ask('{ above below ungated }')).toMatchObject({
      data: { above: 'above', below: 'below', ungated: 'ungated' },
    });
    expect(await ask('mutation { pay }')).toMatchObject({ data: { pay: 'paid' } });
  });

  it('refuses on a standby with a GraphQL error that says so, and Retry-After', async () => {
    const ask = await serve('standby');
    for (const query of ['{ above }', '{ below }', 'mutation { pay }']) {
      expect(await ask(query)).toMatchObject({
        retryAfter: '1',
        errors: [{ message: expect.stringContaining('does not lead'), extensions: { code: 'NOT_LEADER' } }],
      });
    }
    expect(await ask('{ ungated }')).toMatchObject({ status: 200, data: { ungated: 'ungated' } });
  });
});
