// An application with nothing but elections that awaits leadership before they begin, run from the built package: in a hook, or in main.
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LeaderElectionModule, LeaderElectionService, memoryLease } from 'nestjs-leader';

const where = process.argv[2];

class AppModule {
  constructor(election) {
    this.election = election;
  }
  async onModuleInit() {
    if (where === 'hook') await this.election.whenLeader();
    if (where === 'nowhere') void this.election.whenLeader();
  }
}
Module({ imports: [LeaderElectionModule.forRoot({ leaseName: 'orders', store: memoryLease() })] })(AppModule);
Reflect.defineMetadata('design:paramtypes', [LeaderElectionService], AppModule);

async function bootstrap() {
  const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] });
  if (where === 'main') await app.get(LeaderElectionService).whenLeader();
  await app.init();
  await app.get(LeaderElectionService).whenLeader();
  await app.close();
}
void bootstrap();
