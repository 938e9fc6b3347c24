import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { LeaderElectionService } from 'nestjs-leader';
import { LeaderElectionTestingModule, LeadershipControl } from 'nestjs-leader/testing';
import { describe, expect, it, onTestFinished } from 'vitest';

describe('the examples for those who come from elsewhere', () => {
  it('run what a lock guarded', async () => {
    @Injectable()
    class Invoices {
      sent = 0;

      constructor(private readonly election: LeaderElectionService) {}

      send() {
        this.sent += 1;
      }

      async tick() {
        await this.election.runIfLeader(() => this.send());
      }
    }

    const imports = [LeaderElectionTestingModule.forRoot()];
    const app = await Test.createTestingModule({ imports, providers: [Invoices] }).compile();
    onTestFinished(() => app.close());
    await app.init();
    await app.get(Invoices).tick();
    expect(app.get(Invoices).sent).toBe(0);
    await app.get(LeadershipControl).grant();
    await app.get(Invoices).tick();
    expect(app.get(Invoices).sent).toBe(1);
  });
});
