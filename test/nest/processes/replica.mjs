// One replica of a Nest application with shutdown hooks and the file store, run from the built package. Lines that begin with `@` are for
// the test, the rest is what an operator would read. What it does is told by its one argument, in JSON; `block` comes through stdin.
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  fileLease,
  LeaderElectionModule,
  LeaderElectionService,
  OnLeadershipAcquired,
  OnLeadershipLost,
  OnlyWhenLeader,
} from 'nestjs-leader';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const { directory, leaseDuration, slowInit, slowListen, holdClaim, slowDrain, closeOnSignal } = JSON.parse(
  process.argv[2],
);
const tell = (line) => process.stdout.write(`@${line}\n`);
/** Nanoseconds of a clock that all processes of this machine share. */
const now = () => process.hrtime.bigint();

/** TypeScript's decorator syntax, for a script that nothing compiles. */
function decorate(prototype, name, ...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  for (const decorator of decorators) decorator(prototype, name, descriptor);
  Object.defineProperty(prototype, name, descriptor);
}

class Work {
  async onModuleInit() {
    if (slowInit === undefined) return;
    tell('initialising');
    await sleep(slowInit);
    tell('initialised');
  }
  acquired(term) {
    tell(`acquired ${now()} ${term.fencingToken}`);
    void this.piece(term);
  }
  lost(_term, reason) {
    tell(`lost ${reason}`);
  }
  /** What runs while this replica leads; `slowDrain` is how long it takes to come to an end. */
  async piece({ signal, fencingToken }) {
    tell(`work begun ${now()} ${fencingToken}`);
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    await sleep(slowDrain ?? 0);
    tell(`work done ${now()} ${fencingToken}`);
  }
  /** Synchronous work, that asks all the while whether it may go on. */
  block(milliseconds) {
    const begun = now();
    const end = begun + BigInt(milliseconds) * 1_000_000n;
    let believed = begun;
    for (let asked = begun; asked < end; asked = now()) if (election.isLeader()) believed = asked;
    tell(`blocked ${begun} ${believed} ${election.isLeader()}`);
  }
}
decorate(Work.prototype, 'acquired', OnLeadershipAcquired());
decorate(Work.prototype, 'lost', OnLeadershipLost());
decorate(Work.prototype, 'piece', OnlyWhenLeader());
decorate(Work.prototype, 'block', OnlyWhenLeader());
Injectable()(Work);

/** The first write stays on its way until SIGTERM has come, before it lands or after. */
function heldUp(store) {
  const open = store.open.bind(store);
  const signalled = once(process, 'SIGTERM');
  let isFirst = true;
  store.open = (...args) => {
    const handle = open(...args);
    const replace = handle.replace.bind(handle);
    const hold = async (moment) => {
      if (moment !== holdClaim) return;
      tell(`claim held up ${moment} landing`);
      await signalled;
      // Nest has heard of it by then.
      await sleep(100);
    };
    handle.replace = async (...write) => {
      if (!isFirst) return replace(...write);
      isFirst = false;
      await hold('before');
      const outcome = await replace(...write);
      await hold('after');
      return outcome;
    };
    return handle;
  };
  return store;
}

const store = fileLease({ directory });
class AppModule {}
Module({
  imports: [
    LeaderElectionModule.forRoot({
      leaseName: 'orders',
      leaseDuration,
      store: holdClaim === undefined ? store : heldUp(store),
    }),
  ],
  providers: [Work],
})(AppModule);

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks();
const election = app.get(LeaderElectionService);
if (closeOnSignal) process.once('SIGTERM', () => void app.close().then(() => tell('closed')));
if (slowListen !== undefined) {
  tell('about to listen');
  await sleep(slowListen);
}
await app.listen(0, '127.0.0.1');
tell('listening');
createInterface({ input: process.stdin })
  .on('line', (milliseconds) => app.get(Work).block(Number(milliseconds)))
  .on('close', () => {});
process.stdin.unref?.();
