import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { LeaderElectionModule, kubernetesLease } from 'nestjs-leader';
import { HealthController } from './health.controller.js';
import { OrdersService } from './orders.service.js';

@Module({
  imports: [
    ScheduleModule.forRoot(),
    LeaderElectionModule.forRoot({
      leaseName: 'orders-worker',
      // In a pod this is the default. Named, the same program also runs on a laptop, with the kubeconfig that kubectl uses.
      // A standby takes over when the leader's Pod shows that its container has ended, not only when its lease has.
      store: kubernetesLease({ detectCrash: true }),
      // Below terminationGracePeriodSeconds of the Deployment (30): what is left is for releasing the lease and closing the app.
      drainTimeout: 20_000,
    }),
  ],
  controllers: [HealthController],
  providers: [OrdersService],
})
export class AppModule {}
