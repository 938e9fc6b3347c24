// The README's first application; test/nest/readme.spec.ts takes it from there and runs it.
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cron, CronExpression, ScheduleModule } from '@nestjs/schedule';
import { LeaderElectionModule, OnlyWhenLeader } from 'nestjs-leader';

@Injectable()
class Invoices {
  @Cron(CronExpression.EVERY_SECOND)
  @OnlyWhenLeader()
  send() {
    console.log('only one replica prints this');
  }
}

@Module({
  imports: [ScheduleModule.forRoot(), LeaderElectionModule.forRoot({ leaseName: 'invoices' })],
  providers: [Invoices],
})
class AppModule {}

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  app.enableShutdownHooks(); // hands the lease over on SIGTERM
  await app.listen(process.env.PORT ?? 3000);
}
void bootstrap();
