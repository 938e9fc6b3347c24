import {
  Controller,
  Get,
  Injectable,
  Param,
  ParseIntPipe,
  Scope,
  Sse,
  UseGuards,
  type INestApplication,
  type MessageEvent,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { TestingModule } from '@nestjs/testing';
import { AllowOnStandby, LeaderGuard, OnlyWhenLeader } from 'nestjs-leader';
import { concatMap, from, interval, map, of, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { NestReplica } from '../nest-replica.js';

@Controller('gated')
class GatedController {
  @Get('above/:id') @OnlyWhenLeader() above(@Param('id', ParseIntPipe) id: number) {
    return { id };
  }
  @OnlyWhenLeader() @Get('below/:id') async below(@Param('id', ParseIntPipe) id: number) {
    return { id };
  }
  @OnlyWhenLeader() @Get('observable') observable() {
    return of({ id: 1 });
  }
  written: string[] = [];
  @OnlyWhenLeader() @Get('steps') steps() {
    return from(['begun', 'written']).pipe(concatMap((step) => this.step(step)));
  }
  async step(step: string) {
    if (step === 'written') await new Promise<void>((resolve) => (this.resume = resolve));
    this.written.push(step);
    return { step };
  }
  resume?: () => void;
  @OnlyWhenLeader({ onStandby: 'skip' }) @Get('skipping') skipping() {
    return { id: 1 };
  }
  @OnlyWhenLeader() @Sse('ticks') ticks(): Observable<MessageEvent> {
    return interval(5).pipe(map((tick) => ({ data: { tick } })));
  }
  @Get('ungated') ungated() {
    return { id: 1 };
  }
}

@OnlyWhenLeader()
@Controller('by-class')
class GatedByClass {
  @Get() get() {
    return { id: 1 };
  }
}

@OnlyWhenLeader('reports')
@Controller({ path: 'per-request', scope: Scope.REQUEST })
class PerRequest {
  @Get() get() {
    return { id: 1 };
  }
}

@UseGuards(LeaderGuard)
@Controller('guarded')
class Guarded {
  @Get() get() {
    return { id: 1 };
  }
  @AllowOnStandby() @Get('exempt') exempt() {
    return { id: 1 };
  }
}

@UseGuards(LeaderGuard.for('reports'))
@Controller('guarded-by-reports')
class GuardedByReports {
  @Get() get() {
    return { id: 1 };
  }
}

type Create = (module: TestingModule) => INestApplication;
const platforms: Array<[string, Create]> = [
  ['Express', (module) => module.createNestApplication({ logger: false })],
  [
    'Fastify',
    (module) => module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false }),
  ],
];

async function serve(roles: Parameters<typeof NestReplica.boot>[0], create?: Create) {
  const controllers = [GatedController, GatedByClass, PerRequest, Guarded, GuardedByReports];
  const replica = await NestReplica.boot(roles, { controllers }, create);
  await replica.app.listen(0, '127.0.0.1');
  const url = await replica.app.getUrl();
  return { replica, get: (path: string) => fetch(`${url}/${path}`) };
}

describe.each(platforms)('HTTP on %s', (_, create) => {
  it('is served by the leader', async () => {
    const { get } = await serve({ default: 'leader', reports: 'leader' }, create);
    const paths = ['gated/above/7', 'gated/below/7', 'gated/observable', 'by-class', 'per-request', 'guarded'];
    for (const path of [...paths, 'guarded-by-reports', 'gated/skipping']) {
      const response = await get(path);
      expect([path, response.status, await response.json()]).toEqual([path, 200, { id: path.endsWith('7') ? 7 : 1 }]);
    }
  });

  it('is refused by a standby with 503, Retry-After and the reason, before any pipe looks at the request', async () => {
    const { get } = await serve({ default: 'standby', reports: 'standby' }, create);
    const paths = ['gated/above/x', 'gated/below/x', 'gated/observable', 'gated/ticks', 'by-class', 'guarded'];
    for (const path of [...paths, 'per-request', 'guarded-by-reports']) {
      const response = await get(path);
      expect([path, response.status, response.headers.get('retry-after')]).toEqual([path, 503, '1']);
      expect(await response.json()).toMatchObject({ statusCode: 503, code: 'NOT_LEADER' });
    }
  });

  it('is served by a standby where nothing gates it, or an exemption says so', async () => {
    const { get } = await serve({ default: 'standby', reports: 'standby' }, create);
    expect((await get('gated/ungated')).status).toBe(200);
    expect((await get('guarded/exempt')).status).toBe(200);
    const skipped = await get('gated/skipping');
    expect([skipped.status, await skipped.text()]).toEqual([200, '']);
  });

  it('follows the election that the gate names', async () => {
    const { get } = await serve({ default: 'standby', reports: 'leader' }, create);
    expect((await get('per-request')).status).toBe(200);
    expect((await get('guarded-by-reports')).status).toBe(200);
    expect((await get('guarded')).status).toBe(503);
  });

  it('waits, when it stops, for the Observable that it answers with: unsubscribed, its promises would go on beside the successor', async () => {
    const { replica, get } = await serve({ default: 'leader', reports: 'standby' }, create);
    const controller = replica.get(GatedController);
    const answer = get('gated/steps').then((response) => response.json());
    await expect.poll(() => controller.written).toEqual(['begun']);
    await expect.poll(() => controller.resume).toBeDefined();
    const left = replica
      .election()
      .stepDown()
      .then(() => controller.written.push('released'));
    controller.resume!();
    expect(await answer).toEqual({ step: 'written' });
    await left;
    expect(controller.written).toEqual(['begun', 'written', 'released']);
  });

  it('ends server-sent events with the term', async () => {
    const { replica, get } = await serve({ default: 'leader', reports: 'standby' }, create);
    const response = await get('gated/ticks');
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.includes('{"tick":2}')) void replica.election().stepDown();
    }
    expect(text).toContain('event: error');
    expect(text).toContain('does not lead');
  });
});

describe('LeaderGuard', () => {
  it('can be global, with exemptions', async () => {
    @Injectable()
    @AllowOnStandby()
    @Controller('probes')
    class Probes {
      @Get() get() {
        return { id: 1 };
      }
    }
    const replica = await NestReplica.boot('standby', {
      controllers: [GatedController, Guarded, Probes],
      providers: [{ provide: APP_GUARD, useClass: LeaderGuard }],
    });
    await replica.app.listen(0, '127.0.0.1');
    const status = async (path: string) => (await fetch(`${await replica.app.getUrl()}/${path}`)).status;
    expect(await status('gated/ungated')).toBe(503);
    expect(await status('guarded/exempt')).toBe(200);
    expect(await status('probes')).toBe(200);
  });
});
