// A user's unit test, as it is run by Vitest and by Jest: neither's names are imported, so that both can.
// oxlint-disable-next-line import/no-unassigned-import -- as every Nest application does
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  LeaderElectionService,
  OnlyWhenLeader,
  OnLeadershipLost,
  type LeadershipTerm,
  type LossReason,
} from 'nestjs-leader';
import { LeaderElectionTestingModule, LeadershipControl, withLeadership } from 'nestjs-leader/testing';

declare const test: (name: string, run: () => Promise<void>) => void;

@Injectable()
class Invoices {
  readonly told: string[] = [];
  constructor(readonly election: LeaderElectionService) {}

  @OnlyWhenLeader() send() {
    return 'sent';
  }
  @OnLeadershipLost() end(_term: LeadershipTerm, reason: LossReason) {
    this.told.push(reason);
  }
}

test('a module under test leads until its leadership is revoked', async () => {
  const app = await Test.createTestingModule({
    imports: [LeaderElectionTestingModule.forRoot({ leader: true })],
    providers: [Invoices],
  }).compile();
  await app.init();
  const invoices = app.get(Invoices);
  assert.equal(invoices.send(), 'sent');
  assert.equal(invoices.election.isLeader(), true);
  await app.get(LeadershipControl).revoke();
  assert.equal(invoices.send(), undefined);
  assert.deepEqual(invoices.told, ['superseded']);
  await app.close();
});

test('a class alone', async () => {
  const invoices = new Invoices(undefined as never);
  const control = await withLeadership(invoices);
  assert.equal(invoices.send(), 'sent');
  await control.revoke();
  assert.equal(invoices.send(), undefined);
});
