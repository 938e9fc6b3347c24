import { SetMetadata } from '@nestjs/common';
import { ALLOW_ON_STANDBY_METADATA } from '../leader-election.constants.js';

/**
 * Exempts a handler or a controller from a `LeaderGuard` that is bound globally or to its controller: probes, metrics
 * and reads that every replica can serve.
 *
 * @publicApi
 */
export const AllowOnStandby = (): MethodDecorator & ClassDecorator => SetMetadata(ALLOW_ON_STANDBY_METADATA, true);
