import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { kubernetesLease, LeaderElectionModule } from 'nestjs-leader';
import { writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ControlController } from './control.controller.js';
import { Job } from './job.js';
import { settings } from './settings.js';
import { say } from './voice.js';

// One job, every 20 ms, only where it leads; and ways to make it die. What the Pods of ../scenarios run.

const { isBroken, leaseName, leaseDuration, detectCrash, labelLeaderPod, hooksAllSignals } = settings;
if (isBroken) throw new Error('This version cannot start.');

@Module({
  imports: [
    LeaderElectionModule.forRoot({
      leaseName,
      leaseDuration,
      store: kubernetesLease({ detectCrash, labelLeaderPod }),
    }),
  ],
  controllers: [ControlController],
  providers: [Job],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['log', 'warn', 'error'] });
app.enableShutdownHooks(hooksAllSignals ? [] : ['SIGTERM', 'SIGINT']);
await app.listen(0, '127.0.0.1');
const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
// For the probes, and then for the test.
writeFileSync('/tmp/port', String(port));
say({ kind: 'listening', port });
