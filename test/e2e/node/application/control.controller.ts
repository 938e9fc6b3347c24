import { BadRequestException, Controller, Get, Param, Post, ServiceUnavailableException } from '@nestjs/common';
import { LeaderElectionService, type ElectionStatus } from 'nestjs-leader';
import { prepare } from './deaths.js';
import { DEATHS, type Death } from './lines.js';
import { say } from './voice.js';

@Controller()
export class ControlController {
  private isAlive = true;

  constructor(private readonly election: LeaderElectionService) {}

  @Get('ready')
  ready(): string {
    return 'ready';
  }

  @Get('alive')
  alive(): string {
    if (!this.isAlive) throw new ServiceUnavailableException();
    return 'alive';
  }

  @Get('leader')
  leader(): ElectionStatus {
    return this.election.status();
  }

  /** The liveness probe fails from now on, though nothing is wrong. */
  @Post('fail-liveness')
  failLiveness(): void {
    this.isAlive = false;
  }

  @Post('die/:of')
  async die(@Param('of') of: string): Promise<void> {
    if (!isDeath(of)) throw new BadRequestException(`Known: ${DEATHS.join(', ')}`);
    const die = await prepare(of);
    // Out of Nest's hands, which would catch what is thrown.
    setImmediate(() => {
      say({ kind: 'dying', of });
      die();
    });
  }
}

function isDeath(text: string): text is Death {
  return (DEATHS as readonly string[]).includes(text);
}
