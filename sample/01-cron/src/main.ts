import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { obeySupervisor } from './supervision.js';

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['warn', 'error', 'fatal'] });
app.enableShutdownHooks(); // SIGTERM hands the lease over before the process ends
obeySupervisor(app);
