import { Controller, Get, Injectable, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  getLeaderElectionToken,
  LeaderElectionModule,
  LeaderElectionService,
  memoryLease,
  OnlyWhenLeader,
} from 'nestjs-leader';
import { withLeadership } from 'nestjs-leader/testing';
import { EMPTY, of } from 'rxjs';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

@Injectable()
class Invoices {
  constructor(readonly election: LeaderElectionService) {}

  @OnlyWhenLeader() send() {
    return 'sent';
  }
  @OnlyWhenLeader() async sendLater() {
    return 'sent';
  }
  @OnlyWhenLeader({ onStandby: 'throw' }) sendOrThrow() {
    return 'sent';
  }
}

@Controller()
class InvoicesController {
  @Get() @OnlyWhenLeader() list() {
    return ['invoice'];
  }
}

/** As somebody writes one by hand: what the class shows to everybody, and nothing of its inside. */
class FakeElection {
  readonly name = 'default';
  readonly identity = 'fake';
  readonly leadership$ = of(true);
  readonly term$ = of(null);
  readonly leader$ = EMPTY;
  constructor(readonly leads: boolean) {}
  isLeader() {
    return this.leads;
  }
  currentTerm() {
    return null;
  }
  async runIfLeader(work: () => unknown) {
    return this.leads ? work() : undefined;
  }
}

/** Every member of it is a function, and gives another such: what `createMock()` of the mocking libraries does. */
function mockOfEverything(isLeader: () => unknown): object {
  const member = (_: object, key: PropertyKey) => {
    // It is not to be taken for a promise.
    if (key === 'then') return undefined;
    return key === 'isLeader' ? isLeader : () => mockOfEverything(isLeader);
  };
  return new Proxy({}, { get: member });
}

const stubs: ReadonlyArray<readonly [what: string, make: (leads: boolean) => object]> = [
  ['a plain { isLeader }', (leads) => ({ isLeader: () => leads })],
  ['a fake with the public members', (leads) => new FakeElection(leads)],
  ['a mock that makes up every member', (leads) => mockOfEverything(() => leads)],
  ['a mock function', (leads) => ({ isLeader: vi.fn().mockReturnValue(leads) })],
];

const app = LeaderElectionModule.forRoot({ leaseName: 'orders', store: memoryLease(), candidate: false });

describe.each(stubs)('%s in the place of the election', (_, make) => {
  const testing = (leads: boolean) => {
    const stub = make(leads);
    const unit = () =>
      Test.createTestingModule({
        providers: [
          Invoices,
          { provide: getLeaderElectionToken(), useValue: stub },
          { provide: LeaderElectionService, useExisting: getLeaderElectionToken() },
        ],
      });
    const overriding = (token: string | typeof LeaderElectionService) => () =>
      Test.createTestingModule({ imports: [app], providers: [Invoices] })
        .overrideProvider(token)
        .useValue(stub);
    const mocker = () => Test.createTestingModule({ providers: [Invoices] }).useMocker(() => make(leads));
    return [unit, overriding(getLeaderElectionToken()), overriding(LeaderElectionService), mocker];
  };

  it('decides for decorators as it does for those who ask it', async () => {
    for (const leads of [true, false]) {
      for (const build of testing(leads)) {
        const module = await build().compile();
        await module.init();
        onTestFinished(() => module.close());
        const invoices = module.get(Invoices);
        expect(invoices.send()).toBe(leads ? 'sent' : undefined);
        expect(await invoices.sendLater()).toBe(leads ? 'sent' : undefined);
        if (leads) expect(invoices.sendOrThrow()).toBe('sent');
        else expect(() => invoices.sendOrThrow()).toThrow('does not lead');
      }
    }
  });

  it.each([
    [true, 200],
    [false, 503],
  ])('decides for requests (leads: %s)', async (leads, status) => {
    for (const token of [getLeaderElectionToken(), LeaderElectionService]) {
      const builder = Test.createTestingModule({ imports: [app], controllers: [InvoicesController] });
      const module = await builder.overrideProvider(token).useValue(make(leads)).compile();
      const http: INestApplication = module.createNestApplication({ logger: false });
      onTestFinished(() => http.close());
      await http.listen(0);
      const { port } = http.getHttpServer().address() as AddressInfo;
      expect((await fetch(`http://localhost:${port}/`)).status).toBe(status);
    }
  });
});

describe('a mock in the place of the election', () => {
  it.each([
    ['gives another mock', () => mockOfEverything(() => ({}))],
    ['gives undefined', () => ({ isLeader: vi.fn() })],
    ['gives a promise', () => ({ isLeader: vi.fn().mockResolvedValue(true) })],
  ])('of which nobody said who leads is no standby: where isLeader() %s the error says what to do', async (_, make) => {
    const module = await Test.createTestingModule({ providers: [Invoices] })
      .useMocker(make)
      .compile();
    const failure = expect.objectContaining({
      code: 'INVALID_CONFIG',
      message: expect.stringMatching(/^Invoices\.send.*isLeader\(\) gives no boolean/),
      advice: expect.stringContaining('withLeadership(instance)'),
    });
    expect(() => module.get(Invoices).send()).toThrow(failure);
    await expect(module.get(Invoices).sendLater()).rejects.toEqual(failure);
  });

  it('is the same for decorators as the one that the test configures', async () => {
    const mocks = () => ({ isLeader: vi.fn() });
    const module = await Test.createTestingModule({ providers: [Invoices] })
      .useMocker(mocks)
      .compile();
    module.get<ReturnType<typeof mocks>>(LeaderElectionService as never).isLeader.mockReturnValue(true);
    expect(module.get(Invoices).send()).toBe('sent');
  });

  it('gives way to withLeadership', async () => {
    const module = await Test.createTestingModule({ providers: [Invoices] })
      .useMocker(() => ({}))
      .compile();
    const invoices = module.get(Invoices);
    await withLeadership(invoices);
    expect(invoices.send()).toBe('sent');
  });
});

describe('a spy on isLeader() of the real election', () => {
  it('decides for decorators, too', async () => {
    const module = await Test.createTestingModule({ imports: [app], providers: [Invoices] }).compile();
    onTestFinished(() => module.close());
    await module.init();
    expect(module.get(Invoices).send()).toBeUndefined();
    const spy = vi.spyOn(module.get(LeaderElectionService), 'isLeader').mockReturnValue(true);
    expect(module.get(Invoices).send()).toBe('sent');
    spy.mockRestore();
    expect(module.get(Invoices).send()).toBeUndefined();
  });
});
