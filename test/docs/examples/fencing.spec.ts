import { Body, Controller, Get, Param, Put, UseGuards, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  assertNotFenced,
  FencedError,
  FencedResource,
  FencingGuard,
  FencingTokenStore,
  fencedFetch,
  fencingHeaders,
  MemoryFencingTokenStore,
  sqlFencingTokenTable,
  SqlFencingTokenStore,
} from 'nestjs-leader/fencing';
import { fence, postgresLeaseSql } from 'nestjs-leader/postgres';
import { Client, Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { NestReplica } from '../../nest/nest-replica.js';
import { testDatabase } from '../../postgres/cluster.js';

@UseGuards(FencingGuard)
@Controller('accounts')
class Accounts {
  @FencedResource(({ params }: { params: { id: string } }) => `account ${params.id}`)
  @Put(':id')
  replace(@Param('id') id: string, @Body() balance: { balance: number }) {
    this.balances.set(id, balance.balance);
  }

  private readonly balances = new Map<string, number>();

  @Get(':id') read(@Param('id') id: string) {
    return { balance: this.balances.get(id) ?? null };
  }
}

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: Pool;

beforeAll(async () => {
  database = await testDatabase();
  pool = new Pool({ connectionString: database.url, max: 4 });
  await pool.query(sqlFencingTokenTable());
  await pool.query(postgresLeaseSql());
  await pool.query('CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL, written_by bigint NOT NULL)');
  await pool.query('INSERT INTO account VALUES (7, 100, 0)');
}, 60_000);

afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

async function receiver(): Promise<string> {
  const module = await Test.createTestingModule({
    controllers: [Accounts],
    providers: [{ provide: FencingTokenStore, useFactory: () => new SqlFencingTokenStore({ client: pool }) }],
  }).compile();
  const app: INestApplication = module.createNestApplication({ logger: false });
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

const json = { 'content-type': 'application/json' };

describe('the examples about fencing', () => {
  it('refuse a write of an earlier term over HTTP', async () => {
    const url = `${await receiver()}/accounts/7`;
    const put = (token: bigint) =>
      fetch(url, {
        method: 'PUT',
        headers: { ...json, ...fencingHeaders({ fencingToken: token }) },
        body: '{"balance":1}',
      });
    const answers = [(await put(34n)).status, (await put(33n)).status, (await put(35n)).status];
    expect(answers).toEqual([200, 412, 200]);
  });

  it('send the token with a request', async () => {
    const url = `${await receiver()}/accounts/8`;
    const body = '{"balance":1}';
    const election = (await NestReplica.boot('leader', {})).election();

    await election.runIfLeader(async (term) => {
      await fetch(url, { method: 'PUT', headers: fencingHeaders(term), body });
    });

    const write = fencedFetch(election);
    await election.runIfLeader(() => write(url, { method: 'PUT', body }));

    const { rows } = await pool.query("SELECT token FROM fencing_token WHERE resource = 'account 8'");
    expect(rows).toEqual([{ token: String(election.requireTerm().fencingToken) }]);
  });

  it('refuse inside the transaction', async () => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    onTestFinished(() => client.end());
    const withdraw = async (term: { fencingToken: bigint }) => {
      await client.query('BEGIN');
      await fence(client, term, 'account 7');
      await client.query('UPDATE account SET balance = balance - 10 WHERE id = 7');
      await client.query('COMMIT');
    };
    await withdraw({ fencingToken: 34n });
    await expect(withdraw({ fencingToken: 33n })).rejects.toMatchObject({ code: 'FENCED' });
    await client.query('ROLLBACK');
    expect((await pool.query('SELECT balance FROM account WHERE id = 7')).rows).toEqual([{ balance: 90 }]);
  });

  it('refuse with a column beside the data', async () => {
    const statement = `
      UPDATE account SET balance = $1, written_by = $2 WHERE id = $3 AND written_by <= $2
    `;
    const updated = async (balance: number, token: bigint) =>
      (await pool.query(statement, [balance, token, 7])).rowCount;
    expect([await updated(50, 34n), await updated(60, 33n), await updated(70, 34n)]).toEqual([1, 0, 1]);
  });

  it('refuse a message', async () => {
    const tokens = new MemoryFencingTokenStore();
    await tokens.accept('orders', 34n);
    const message = { resource: 'orders', token: '33' };
    const consume = async () => {
      await assertNotFenced(tokens, message.resource, BigInt(message.token)); // throws FencedError
    };
    await expect(consume()).rejects.toThrow(FencedError);
  });
});
