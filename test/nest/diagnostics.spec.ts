import { Injectable } from '@nestjs/common';
import { CHANNELS, memoryLease, OnlyWhenLeader, type ChannelMessages } from 'nestjs-leader';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, it, onTestFinished } from 'vitest';
import { observedStore } from '../../lib/diagnostics/observed-store.js';
import { tampered } from '../support/hostile-store.js';
import { NestReplica } from './nest-replica.js';

@Injectable()
class Job {
  @OnlyWhenLeader() tick() {}
}

function listen<Key extends keyof ChannelMessages>(key: Key): Array<ChannelMessages[Key]> {
  const messages: Array<ChannelMessages[Key]> = [];
  const listener = (message: unknown) => void messages.push(message as ChannelMessages[Key]);
  subscribe(CHANNELS[key], listener);
  onTestFinished(() => void unsubscribe(CHANNELS[key], listener));
  return messages;
}

it('an election publishes its terms, its requests and the calls it gates on diagnostics channels', async () => {
  const [began, ended, drained] = [listen('termBegan'), listen('termEnded'), listen('termDrained')];
  const [requests, calls] = [listen('request'), listen('call')];
  const replica = await NestReplica.boot('leader', { providers: [Job] });
  const election = replica.election();
  const { fencingToken } = election.requireTerm();
  replica.get(Job).tick();
  await election.stepDown();
  replica.get(Job).tick();

  const subject = { election: 'default', leaseName: 'default', identity: election.identity };
  expect(began).toEqual([{ ...subject, fencingToken }]);
  expect(ended).toEqual([{ ...subject, fencingToken, reason: 'stepped-down' }]);
  expect(drained).toEqual([{ ...subject, fencingToken, duration: expect.any(Number) }]);
  expect(calls.map(({ handler, outcome }) => `${handler} ${outcome}`)).toEqual([
    'Job.tick admitted',
    'Job.tick skipped',
  ]);
  expect(requests.map(({ operation, outcome }) => `${operation} ${outcome}`)).toEqual(
    expect.arrayContaining(['read succeeded', 'acquire succeeded', 'release succeeded']),
  );
});

it('a store that proves the death of a holder is heard of, and still says so', async () => {
  const died = listen('holderDied');
  const store = tampered(memoryLease(), () => ({
    async *watchHolder() {
      yield true as const;
    },
  }));
  const subject = { election: 'default', leaseName: 'orders', identity: 'me' };
  const observed = observedStore(store, () => ({ ...subject, isLeader: () => false, releasing: () => {} }));
  const words: true[] = [];
  const nobody = { lease: null, token: 0n };
  for await (const word of observed.open({ name: 'orders' }).watchHolder!(nobody, new AbortController().signal))
    words.push(word);
  expect(words).toEqual([true]);
  expect(died).toEqual([subject]);
});
