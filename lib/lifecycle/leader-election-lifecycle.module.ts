import { isMainThread } from 'node:worker_threads';
import { Inject, Logger, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { ElectionRegistry } from '../registry/election.registry.js';
import { ELECTION_REGISTRY } from '../leader-election.constants.js';
import { MISSING_SHUTDOWN_HOOKS_MESSAGE, STILL_BOOTING_MESSAGE } from '../leader-election.messages.js';
import { warmUp } from './warm-up.js';
import { isUnderTestRunner } from '../registry/test-runner.js';

/** Later than any `enableShutdownHooks()` between `init()` and `listen()`. */
const SHUTDOWN_HOOKS_CHECK_DELAY = 3_000;
/** Longer than most applications take to boot. */
const BOOT_CHECK_DELAY = 10_000;
/** Out of the way of the first term, which a boot may be waiting for. */
const WARM_UP_DELAY = 100;

/**
 * Starts the elections when the application is ready and stops them before anything that their work needs is torn down.
 *
 * Nest runs hooks by distance from the root: global modules bootstrap first and are destroyed last, so a global module
 * would lead before the database is connected and drain after it has closed. Below every other distance it is the other
 * way round.
 */
@Module({})
export class LeaderElectionLifecycleModule implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('LeaderElection');
  private readonly bootCheck?: NodeJS.Timeout;
  private shutdownHooksCheck?: NodeJS.Timeout;
  private warmUpTimer?: NodeJS.Timeout;
  private destroyed = false;

  constructor(
    @Inject(ELECTION_REGISTRY) private readonly registry: ElectionRegistry,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    for (const module of modules.values()) if (module.metatype === LeaderElectionLifecycleModule) module.distance = -1;

    if (isUnderTestRunner(process.env)) return;
    // Here, because a hook that waits for leadership keeps every hook of this module from being called.
    this.bootCheck = setTimeout(() => this.logger.warn(STILL_BOOTING_MESSAGE), BOOT_CHECK_DELAY).unref();
  }

  onApplicationBootstrap(): void {
    clearTimeout(this.bootCheck);
    // Closed while it booted: timers that are set now would outlive it.
    if (this.destroyed) return;
    // Not awaited: an election without a store to talk to must not hold the boot up.
    void this.registry.start();
    if (isUnderTestRunner(process.env)) return;
    this.shutdownHooksCheck = setTimeout(() => {
      // A worker thread is sent no signals, and an observer has no lease to release.
      if (!isMainThread || !this.registry.hasCandidate || process.listenerCount('SIGTERM') > 0) return;
      this.logger.warn(MISSING_SHUTDOWN_HOOKS_MESSAGE);
    }, SHUTDOWN_HOOKS_CHECK_DELAY);
    this.warmUpTimer = setTimeout(() => {
      warmUp().catch((error: unknown) => this.logger.debug(`The warm-up failed: ${String(error)}`));
    }, WARM_UP_DELAY).unref();
  }

  async onModuleDestroy(): Promise<void> {
    this.destroyed = true;
    clearTimeout(this.bootCheck);
    clearTimeout(this.shutdownHooksCheck);
    clearTimeout(this.warmUpTimer);
    await this.registry.stop();
  }
}
