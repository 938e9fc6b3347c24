import { Injectable, Logger } from '@nestjs/common';
import { Cron, CronExpression, Interval, SchedulerRegistry, ScheduleModule, Timeout } from '@nestjs/schedule';
import { OnlyWhenLeader } from 'nestjs-leader';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { NestReplica } from '../nest-replica.js';

/** Fires once, and must find a leader: long enough to become one on a busy machine. */
const TIMEOUT = 1_500;

class Inherited {
  readonly ran: string[] = [];
  @Cron(CronExpression.EVERY_YEAR, { name: 'inherited' }) @OnlyWhenLeader() inherited() {
    this.ran.push('inherited');
  }
}

@Injectable()
class Jobs extends Inherited {
  @Cron(CronExpression.EVERY_YEAR, { name: 'cron above' }) @OnlyWhenLeader() cronAbove() {
    this.ran.push('cron above');
  }
  @OnlyWhenLeader() @Cron(CronExpression.EVERY_YEAR, { name: 'cron below' }) async cronBelow() {
    this.ran.push('cron below');
  }
  @Interval(5) @OnlyWhenLeader() intervalAbove() {
    this.ran.push('interval above');
  }
  @OnlyWhenLeader() @Interval(5) intervalBelow() {
    this.ran.push('interval below');
  }
  @Timeout(TIMEOUT) @OnlyWhenLeader() timeoutAbove() {
    this.ran.push('timeout above');
  }
  @OnlyWhenLeader() @Timeout(TIMEOUT) timeoutBelow() {
    this.ran.push('timeout below');
  }
  @Timeout(TIMEOUT + 1) ungated() {
    this.ran.push('ungated');
  }
}

@OnlyWhenLeader()
@Injectable()
class GatedJobs extends Inherited {
  @Interval(5) interval() {
    this.ran.push('class interval');
  }
  @Cron(CronExpression.EVERY_YEAR, { name: 'class cron' }) cron() {
    this.ran.push('class cron');
  }
}

/** Everything that the scheduler knows has had its turn: crons are fired by hand, the others by their timers. */
async function runAll(role: 'leader' | 'standby', type: typeof Jobs | typeof GatedJobs): Promise<Set<string>> {
  const replica = await NestReplica.boot(role, { imports: [ScheduleModule.forRoot()], providers: [type] });
  for (const job of replica.get(SchedulerRegistry).getCronJobs().values()) await job.fireOnTick();
  await new Promise((resolve) => setTimeout(resolve, type === Jobs ? TIMEOUT + 100 : 350));
  return new Set(replica.get<Inherited>(type).ran);
}

describe('@nestjs/schedule', () => {
  it('runs cron jobs, intervals and timeouts on the leader', async () => {
    const jobs = ['inherited', 'cron above', 'cron below', 'interval above', 'interval below', 'timeout above'];
    expect(await runAll('leader', Jobs)).toEqual(new Set([...jobs, 'timeout below', 'ungated']));
  });

  it('runs none of them on a standby', async () => {
    expect(await runAll('standby', Jobs)).toEqual(new Set(['ungated']));
  });

  it('is gated by class', async () => {
    expect(await runAll('leader', GatedJobs)).toEqual(new Set(['inherited', 'class interval', 'class cron']));
    expect(await runAll('standby', GatedJobs)).toEqual(new Set());
  });

  it('warns once, at boot, of gated timeouts, which no later term ever fires, and says what to write instead', async () => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    onTestFinished(() => warn.mockRestore());
    await NestReplica.boot('leader', { imports: [ScheduleModule.forRoot()], providers: [Jobs] });
    const about = warn.mock.calls.flat().filter((text) => String(text).includes('@Timeout()'));
    expect(about).toEqual([
      expect.stringMatching(/fires once.*\(Jobs\.timeoutAbove, Jobs\.timeoutBelow\).*@OnLeadershipAcquired\(\)/),
    ]);
  });
});
