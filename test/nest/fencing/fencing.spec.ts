import { HttpModule, HttpService } from '@nestjs/axios';
import { Body, Controller, Param, Put, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { getLeaderElectionToken, LeaderGuard, type LeadershipTerm } from 'nestjs-leader';
import {
  assertNotFenced,
  FencedResource,
  FencingGuard,
  FencingTokenStore,
  FENCING_TOKEN_HEADER,
  fencedFetch,
  fencingHeaders,
  fencingInterceptor,
  MemoryFencingTokenStore,
  SqlFencingTokenStore,
} from 'nestjs-leader/fencing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { NestReplica } from '../nest-replica.js';

@UseGuards(FencingGuard)
@Controller()
class Ledger {
  readonly entries: string[] = [];
  @Put('total') total(@Body() { value }: { value: string }) {
    this.entries.push(value);
  }
  @FencedResource(({ params }: { params: { id: string } }) => `account ${params.id}`)
  @Put('accounts/:id')
  account(@Param('id') id: string, @Body() { value }: { value: string }) {
    this.entries.push(`${id}: ${value}`);
  }
}

/** A service that leaders write to. */
async function receive(store: FencingTokenStore = new MemoryFencingTokenStore()) {
  const providers = [{ provide: FencingTokenStore, useValue: store }];
  const module = await Test.createTestingModule({ controllers: [Ledger], providers }).compile();
  const app = module.createNestApplication({ logger: false });
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  return { url: await app.getUrl(), entries: app.get(Ledger).entries };
}

const put = (value: string, headers: Record<string, string> = {}): RequestInit => ({
  method: 'PUT',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify({ value }),
});
const term = (fencingToken: bigint) => ({ fencingToken });

describe('a service behind FencingGuard', () => {
  it('takes writes of a term and of later ones, and refuses those that an overtaken term still sends', async () => {
    const { url, entries } = await receive();
    expect((await fetch(`${url}/total`, put('first', fencingHeaders(term(5n))))).status).toBe(200);
    expect((await fetch(`${url}/total`, put('second', fencingHeaders(term(6n))))).status).toBe(200);
    const refused = await fetch(`${url}/total`, put('late', fencingHeaders(term(5n))));
    expect(refused.status).toBe(412);
    expect(await refused.json()).toEqual({
      statusCode: 412,
      error: 'Precondition Failed',
      code: 'FENCED',
      message: 'A later term than 5 has written to "Ledger".',
      resource: 'Ledger',
      token: '5',
    });
    expect(entries).toEqual(['first', 'second']);
  });

  it('keeps resources apart as the route names them', async () => {
    const { url, entries } = await receive();
    expect((await fetch(`${url}/accounts/1`, put('x', fencingHeaders(term(6n))))).status).toBe(200);
    expect((await fetch(`${url}/accounts/2`, put('y', fencingHeaders(term(5n))))).status).toBe(200);
    expect((await fetch(`${url}/accounts/1`, put('z', fencingHeaders(term(5n))))).status).toBe(412);
    expect(entries).toEqual(['1: x', '2: y']);
  });

  it.each([
    ['no token', {}, 428],
    ['no number', { [FENCING_TOKEN_HEADER]: 'abc' }, 400],
    ['a negative number', { [FENCING_TOKEN_HEADER]: '-1' }, 400],
    ['a number that no term has', { [FENCING_TOKEN_HEADER]: (2n ** 63n).toString() }, 400],
    ['two tokens', { [FENCING_TOKEN_HEADER]: '1, 2' }, 400],
  ])('lets nothing through that says %s', async (_, headers, status) => {
    const { url, entries } = await receive();
    expect((await fetch(`${url}/total`, put('x', headers))).status).toBe(status);
    expect(entries).toEqual([]);
  });

  it('lets nothing through while its store cannot tell', async () => {
    const { url, entries } = await receive({ accept: () => Promise.reject(new Error('the database is down')) });
    expect((await fetch(`${url}/total`, put('x', fencingHeaders(term(5n))))).status).toBe(500);
    expect(entries).toEqual([]);
  });
});

describe('the name of a fenced resource', () => {
  const accounts: string[] = [];
  @UseGuards(FencingGuard)
  @Controller()
  class Accounts {
    @FencedResource(({ body }: { body: { account: string } }) => body.account)
    @Put('body')
    byBody(@Body() { account }: { account: unknown }) {
      accounts.push(String(account));
    }
    @FencedResource(({ query }: { query: { account: string } }) => query.account)
    @Put('query')
    byQuery() {
      accounts.push('by query');
    }
    @FencedResource(async ({ query }: { query: { account: string } }) => query.account)
    @Put('later')
    later() {
      accounts.push('later');
    }
  }

  async function serve(store: FencingTokenStore = new MemoryFencingTokenStore()) {
    accounts.length = 0;
    const providers = [{ provide: FencingTokenStore, useValue: store }];
    const module = await Test.createTestingModule({ controllers: [Accounts], providers }).compile();
    const app = module.createNestApplication({ logger: false });
    onTestFinished(() => app.close());
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    return async (path: string, token: bigint, body: object = {}) => {
      const headers = { 'content-type': 'application/json', ...fencingHeaders(term(token)) };
      const response = await fetch(`${url}/${path}`, { method: 'PUT', headers, body: JSON.stringify(body) });
      const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
      return { status: response.status, code: answer.code, message: answer.message };
    };
  }

  const noNames: Array<[string, unknown, string]> = [
    ['an object', { id: 8 }, 'not an object'],
    ['an array', ['5', '5'], 'not an array'],
    ['an array of one', ['5'], 'not an array'],
    ['nothing', undefined, 'not undefined'],
    ['null', null, 'not null'],
    ['true', true, 'not a boolean'],
    ['a fraction', 7.5, 'not a number'],
    ['a number that no digits tell from its neighbour', 2 ** 53, 'not a number'],
    ['empty', '', 'not an empty one'],
    ['blank', ' \t', 'not an empty one'],
    ['longer than any database keeps', 'x'.repeat(256), 'at most 255 characters, not 256'],
    ['not printable', 'a\u0000b', String.raw`must be printable: "a\u{0}b"`],
    ['half a character', 'a\ud800', 'must be printable'],
  ];
  for (const [what, account, why] of noNames) {
    it(`is none where it is ${what}: refused, and nothing runs`, async () => {
      const put = await serve();
      expect(await put('body', 9n, { account })).toEqual({
        status: 400,
        code: 'UNFENCEABLE',
        message: expect.stringContaining(why),
      });
      expect(accounts).toEqual([]);
    });
  }

  it('is the same as a number and as its digits', async () => {
    const put = await serve();
    expect((await put('body', 9n, { account: '7' })).status).toBe(200);
    expect((await put('body', 3n, { account: 7 })).status).toBe(412);
    expect((await put('body', 9n, { account: 8 })).status).toBe(200);
    expect((await put('body', 3n, { account: '8' })).status).toBe(412);
  });

  it('is none where a query says it twice, and one where it is found out later', async () => {
    const put = await serve();
    expect(await put('query?account=5&account=5', 9n)).toMatchObject({ status: 400, code: 'UNFENCEABLE' });
    expect((await put('later?account=5', 9n)).status).toBe(200);
    expect((await put('later?account=5', 3n)).status).toBe(412);
    expect((await put('query?account=5', 3n)).status).toBe(412);
  });

  it('may be one that every object has', async () => {
    const put = await serve();
    for (const account of ['__proto__', 'constructor', 'toString']) {
      expect((await put('query?account=' + account, 9n)).status).toBe(200);
      expect((await put('query?account=' + account, 3n)).status).toBe(412);
    }
  });

  it('made up again and again fills no memory: what is full takes no new one, and forgets none', async () => {
    const put = await serve(new MemoryFencingTokenStore({ maxResources: 2 }));
    for (const account of ['1', '2']) expect((await put('body', 9n, { account })).status).toBe(200);
    expect(await put('body', 9n, { account: '3' })).toEqual({
      status: 503,
      code: 'FENCING_STORE_FULL',
      message: expect.stringContaining('remembers 2 resources and takes no new one'),
    });
    expect((await put('body', 3n, { account: '1' })).status).toBe(412);
    expect((await put('body', 10n, { account: '2' })).status).toBe(200);
  });

  it('is checked where it is given at once', () => {
    for (const name of ['', undefined, { id: 7 }])
      expect(() => FencedResource(name as never)).toThrow('must be a string');
  });
});

describe('what does not arrive by HTTP', () => {
  const tokens = () => new MemoryFencingTokenStore();

  it('is held to the same names and tokens', async () => {
    const store = tokens();
    await assertNotFenced(store, 'account 7', 9n);
    await expect(assertNotFenced(store, 'account 7', 3n)).rejects.toMatchObject({ code: 'FENCED' });
    for (const resource of [{ id: 7 }, ['7'], '', undefined, Promise.resolve('7')])
      await expect(assertNotFenced(store, resource as never, 9n)).rejects.toMatchObject({ code: 'UNFENCEABLE' });

    for (const token of [2n ** 63n, -1n, 9, '9', null])
      await expect(assertNotFenced(store, 'account 7', token as never)).rejects.toMatchObject({ code: 'UNFENCEABLE' });
  });

  it('is held to them also by the stores themselves', async () => {
    const client = { query: () => Promise.reject(new Error('asked')) };
    for (const store of [tokens(), new SqlFencingTokenStore({ client })]) {
      await expect(store.accept({ id: 7 } as never, 9n)).rejects.toMatchObject({ code: 'UNFENCEABLE' });
      await expect(store.accept('7', 2n ** 63n)).rejects.toMatchObject({ code: 'UNFENCEABLE' });
    }
  });

  it('refuses a memory store of no size', () => {
    for (const maxResources of [0, 1.5, '10', Number.NaN])
      expect(() => new MemoryFencingTokenStore({ maxResources: maxResources as never })).toThrow('maxResources is');
  });

  for (const [kind, shape] of [
    ['rpc', { error: { code: 'UNFENCEABLE', message: expect.stringContaining('this is rpc') } }],
    ['ws', { error: { code: 'UNFENCEABLE' } }],
    ['graphql', { extensions: { code: 'UNFENCEABLE' } }],
  ] as const) {
    it(`is refused by the guard in the words of ${kind}, which has no such header`, async () => {
      const context = { getType: () => kind } as unknown as ExecutionContext;
      await expect(new FencingGuard(tokens()).canActivate(context)).rejects.toMatchObject(shape);
    });
  }
});

describe('FencingGuard beside other guards', () => {
  class Refuses {
    canActivate = () => false;
  }

  async function answers(controller: new () => object, global: CanActivate[] = []) {
    const store = new MemoryFencingTokenStore();
    const providers = [{ provide: FencingTokenStore, useValue: store }, Refuses];
    const module = await Test.createTestingModule({ controllers: [controller], providers }).compile();
    const app = module.createNestApplication({ logger: false });
    if (global.length > 0) app.useGlobalGuards(new FencingGuard(store), ...global);
    onTestFinished(() => app.close());
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    const response = await fetch(`${url}/x`, { method: 'PUT', headers: fencingHeaders(term(2n ** 63n - 1n)) });
    // Whether the leader is fenced out by it.
    return { status: response.status, marked: !(await store.accept('Receiver', 5n)) };
  }

  it('moves no mark for who is refused by one before it', async () => {
    @UseGuards(Refuses, FencingGuard)
    @Controller()
    class Receiver {
      @Put('x') x() {}
    }
    expect(await answers(Receiver)).toEqual({ status: 403, marked: false });
  });

  it('refuses to run before one that may refuse the request: on the controller, or on the handler', async () => {
    @UseGuards(FencingGuard, Refuses)
    @Controller()
    class First {
      @Put('x') x() {}
    }
    Object.defineProperty(First, 'name', { value: 'Receiver' });
    expect(await answers(First)).toEqual({ status: 500, marked: false });
    @UseGuards(FencingGuard)
    @Controller()
    class Outer {
      @UseGuards(Refuses) @Put('x') x() {}
    }
    Object.defineProperty(Outer, 'name', { value: 'Receiver' });
    expect(await answers(Outer)).toEqual({ status: 500, marked: false });
  });

  it('refuses to run for the whole application before one of a controller', async () => {
    @UseGuards(Refuses)
    @Controller()
    class Receiver {
      @Put('x') x() {}
    }
    expect(await answers(Receiver, [{ canActivate: () => true }])).toEqual({ status: 500, marked: false });
  });

  it('may come before the one that @OnlyWhenLeader adds', async () => {
    @Controller()
    class Receiver {
      @UseGuards(LeaderGuard, FencingGuard) @Put('y') y() {}
      @UseGuards(LeaderGuard) @UseGuards(FencingGuard) @Put('x') x() {}
    }
    const isLeader = () => true;
    const store = new MemoryFencingTokenStore();
    const module = await Test.createTestingModule({
      controllers: [Receiver],
      providers: [
        { provide: FencingTokenStore, useValue: store },
        { provide: getLeaderElectionToken(), useValue: { isLeader } },
      ],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    onTestFinished(() => app.close());
    await app.listen(0, '127.0.0.1');
    for (const path of ['x', 'y']) {
      const init = { method: 'PUT', headers: fencingHeaders(term(5n)) };
      expect((await fetch(`${await app.getUrl()}/${path}`, init)).status).toBe(200);
    }
  });
});

describe('a leader that writes over HTTP', () => {
  /** Remembers what it was asked to send. */
  const spy = () => {
    const tokens: Array<string | null> = [];
    const send: typeof fetch = async (_, init) => {
      tokens.push(new Headers(init?.headers).get(FENCING_TOKEN_HEADER));
      return new Response();
    };
    return { tokens, send };
  };

  it('sends its token with fetch, beside the headers that are there', async () => {
    const { url, entries } = await receive();
    const election = (await NestReplica.boot('leader', {})).election();
    const response = await fencedFetch(election)(`${url}/total`, put('written'));
    expect(response.status).toBe(200);
    expect(entries).toEqual(['written']);
  });

  it('sends its token with @nestjs/axios', async () => {
    const { url, entries } = await receive();
    const replica = await NestReplica.boot('leader', { imports: [HttpModule] });
    const { axiosRef } = replica.get(HttpService);
    axiosRef.interceptors.request.use(fencingInterceptor(replica.election()));
    expect((await axiosRef.put(`${url}/total`, { value: 'written' })).status).toBe(200);
    expect(entries).toEqual(['written']);
  });

  it('sends the token of the term that admitted the work, when that outlives it and the replica leads anew', async () => {
    const { tokens, send } = spy();
    const election = (await NestReplica.boot('leader', {})).election();
    const old = election.requireTerm();
    let renewed!: LeadershipTerm;
    await election.runIfLeader(async () => {
      await election.stepDown({ cooldown: 0 });
      await new Promise((resolve) => setTimeout(resolve, 1));
      await fencedFetch(election, send)('http://ledger/');
    });
    renewed = await election.whenLeader();
    await fencedFetch(election, send)('http://ledger/');
    expect(tokens).toEqual([String(old.fencingToken), String(renewed.fencingToken)]);
    expect(renewed.fencingToken).toBeGreaterThan(old.fencingToken);
  });

  it('sends nothing on a standby', async () => {
    const { tokens, send } = spy();
    const election = (await NestReplica.boot('standby', {})).election();
    await expect(fencedFetch(election, send)('http://ledger/')).rejects.toThrow('does not lead');
    expect(() => fencingInterceptor(election)({ headers: { set: () => tokens.push('sent') } })).toThrow();
    expect(tokens).toEqual([]);
  });
});
