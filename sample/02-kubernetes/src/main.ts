import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule, { logger: ['log', 'warn', 'error'] });
app.enableShutdownHooks(); // hands the lease over on SIGTERM
await app.listen(process.env.PORT ?? 3000);
