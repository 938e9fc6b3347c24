import { HttpModule, HttpService } from '@nestjs/axios';
import { Body, Controller, Param, Put, UseGuards } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { LeadershipTerm } from 'nestjs-leader';
import {
  FencedResource,
  FencingGuard,
  FencingTokenStore,
  FENCING_TOKEN_HEADER,
  fencedFetch,
  fencingHeaders,
  fencingInterceptor,
  MemoryFencingTokenStore,
} from 'nestjs-leader/fencing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Replica } from '../replica.js';

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
    const election = (await Replica.boot('leader', {})).election();
    const response = await fencedFetch(election)(`${url}/total`, put('written'));
    expect(response.status).toBe(200);
    expect(entries).toEqual(['written']);
  });

  it('sends its token with @nestjs/axios', async () => {
    const { url, entries } = await receive();
    const replica = await Replica.boot('leader', { imports: [HttpModule] });
    const { axiosRef } = replica.get(HttpService);
    axiosRef.interceptors.request.use(fencingInterceptor(replica.election()));
    expect((await axiosRef.put(`${url}/total`, { value: 'written' })).status).toBe(200);
    expect(entries).toEqual(['written']);
  });

  it('sends the token of the term that admitted the work, when that outlives it and the replica leads anew', async () => {
    const { tokens, send } = spy();
    const election = (await Replica.boot('leader', {})).election();
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
    const election = (await Replica.boot('standby', {})).election();
    await expect(fencedFetch(election, send)('http://ledger/')).rejects.toThrow('does not lead');
    expect(() => fencingInterceptor(election)({ headers: { set: () => tokens.push('sent') } })).toThrow();
    expect(tokens).toEqual([]);
  });
});
