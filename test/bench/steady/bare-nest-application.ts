import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

@Module({})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['warn', 'error'] });
app.enableShutdownHooks();
setInterval(() => {}, 3_600_000);
console.log(JSON.stringify({ kind: 'ready', t: Number(process.hrtime.bigint()) / 1e6 }));
