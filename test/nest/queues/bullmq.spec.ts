import { Inject, Module } from '@nestjs/common';
import { BullModule, getQueueToken, Processor, WorkerHost } from '@nestjs/bullmq';
import { Test } from '@nestjs/testing';
import type { Job, Queue } from 'bullmq';
import {
  LeaderElectionModule,
  LeaderElectionService,
  memoryLease,
  OnLeadershipAcquired,
  OnLeadershipLost,
  type LeadershipTerm,
} from 'nestjs-leader';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { redisIsInstalled, redisServer } from './redis-server.js';

interface Invoice {
  number: number;
}

/** What is sent to: it notes who sent, and how many were at it at a time. */
class Ledger {
  readonly sent: Array<{ by: string; number: number; token: bigint }> = [];
  atOnce = 0;
  most = 0;

  async send(invoice: Invoice, by: string, token: bigint) {
    this.most = Math.max(this.most, (this.atOnce += 1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    this.atOnce -= 1;
    this.sent.push({ by, number: invoice.number, token });
  }
}

@Processor('invoices', { autorun: false })
class Invoices extends WorkerHost {
  private term!: LeadershipTerm;

  constructor(
    private readonly ledger: Ledger,
    @Inject('NAME') private readonly name: string,
  ) {
    super();
  }

  @OnLeadershipAcquired()
  async begin(term: LeadershipTerm) {
    this.term = term;
    await this.worker.resume();
    // Lost while it was being started: the lost handler may have come first.
    if (term.signal.aborted) await this.worker.pause();
  }

  @OnLeadershipLost()
  async end() {
    await this.worker.pause();
  }

  async process(job: Job<Invoice>) {
    await this.ledger.send(job.data, this.name, this.term.fencingToken);
  }
}

// Where there is no redis-server these are counted as skipped.
describe.runIf(redisIsInstalled)('a BullMQ worker that follows leadership', { timeout: 120_000 }, () => {
  const ledger = { current: new Ledger() };
  let path: string;
  let store: ReturnType<typeof memoryLease>;
  beforeEach(async () => {
    path = await redisServer();
    store = memoryLease();
    ledger.current = new Ledger();
  });

  async function boot(name: string) {
    @Module({
      imports: [
        BullModule.forRoot({ connection: { path } }),
        BullModule.registerQueue({ name: 'invoices' }),
        LeaderElectionModule.forRoot({ leaseName: 'invoices', store }),
      ],
      providers: [Invoices, { provide: Ledger, useFactory: () => ledger.current }, { provide: 'NAME', useValue: name }],
    })
    class AppModule {}
    const app = await Test.createTestingModule({ imports: [AppModule] }).compile();
    await app.init();
    onTestFinished(() => app.close());
    const queue = app.get<Queue<Invoice>>(getQueueToken('invoices'));
    const election = app.get(LeaderElectionService);
    const add = (from: number, to: number) =>
      queue.addBulk(Array.from({ length: to - from + 1 }, (_, i) => ({ name: 'send', data: { number: from + i } })));
    return { app, queue, election, add };
  }
  const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

  it('works on the leader only, and goes on at the next one with nothing lost, doubled or out of order', async () => {
    const first = await boot('first');
    await first.election.whenLeader();
    const second = await boot('second');
    await first.add(1, 40);
    await expect.poll(() => ledger.current.sent.length).toBeGreaterThan(5);
    await first.app.close();
    await expect.poll(() => ledger.current.sent.length, { timeout: 60_000 }).toBe(40);
    expect(ledger.current.sent.map(({ number }) => number)).toEqual(numbers(1, 40));
    const byFirst = ledger.current.sent.filter(({ by }) => by === 'first').length;
    expect(byFirst).toBeLessThan(40);
    expect(ledger.current.sent.map(({ by }) => by)).toEqual([
      ...Array<string>(byFirst).fill('first'),
      ...Array<string>(40 - byFirst).fill('second'),
    ]);
    expect(ledger.current.most).toBe(1);
    expect(second.election.requireTerm().fencingToken).toBe(ledger.current.sent.at(-1)!.token);
  });

  it('is resumed on a replica that leads again', async () => {
    const only = await boot('only');
    await only.election.whenLeader();
    await only.add(1, 5);
    await expect.poll(() => ledger.current.sent.length).toBe(5);
    await only.election.stepDown({ cooldown: 300 });
    await only.add(6, 10);
    const { fencingToken } = await only.election.whenLeader();
    await expect.poll(() => ledger.current.sent.length).toBe(10);
    expect(ledger.current.sent.map(({ number }) => number)).toEqual(numbers(1, 10));
    expect(ledger.current.sent.slice(5).every(({ token }) => token === fencingToken)).toBe(true);
  });
});
