import { Inject, Injectable, Optional, type CanActivate, type ExecutionContext, type Type } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { NotLeaderError, type Election } from '../election/index.js';
import type { HandlerKind } from '../handlers/handler-kind.js';
import { refusal, RETRY_AFTER_SECONDS } from '../handlers/refusal.js';
import {
  ALLOW_ON_STANDBY_METADATA,
  DEFAULT_ELECTION,
  getLeaderElectionToken,
  LEADER_GUARD,
} from '../leader-election.constants.js';
import { LeaderElectionService } from '../leader-election.service.js';

const named = new Map<string, Type<LeaderGuard>>();

/**
 * Lets requests through to the leader only. On a standby: HTTP 503 with `Retry-After`, an `RpcException`, a
 * `WsException`, a `GraphQLError`. For one handler, a controller, or globally, where `@AllowOnStandby()` exempts.
 *
 * @publicApi
 */
@Injectable()
export class LeaderGuard implements CanActivate {
  /** @internal */
  static readonly [LEADER_GUARD] = true;

  constructor(
    @Inject(getLeaderElectionToken()) private readonly election: Election,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    /** What a test puts in the place of the service decides. */
    @Optional() @Inject(LeaderElectionService) private readonly service: Election = election,
  ) {}

  /** The guard of a named election. */
  static for(election: string): Type<LeaderGuard> {
    if (election === DEFAULT_ELECTION) return LeaderGuard;
    let guard = named.get(election);
    if (guard === undefined) {
      @Injectable()
      class NamedLeaderGuard extends LeaderGuard {
        constructor(
          @Inject(getLeaderElectionToken(election)) own: Election,
          @Inject(HttpAdapterHost) host: HttpAdapterHost,
        ) {
          super(own, host);
        }
      }
      named.set(election, (guard = NamedLeaderGuard));
    }
    return guard;
  }

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (this.service.isLeader() || isExempt(context)) return true;
    return this.refuse(context);
  }

  private async refuse(context: ExecutionContext): Promise<never> {
    const kind = context.getType<HandlerKind>();
    if (kind === 'http')
      this.host.httpAdapter.setHeader(context.switchToHttp().getResponse(), 'Retry-After', String(RETRY_AFTER_SECONDS));

    throw await refusal(kind, new NotLeaderError(this.election.name));
  }
}

function isExempt(context: ExecutionContext): boolean {
  return [context.getHandler(), context.getClass()].some((target) =>
    Reflect.hasMetadata(ALLOW_ON_STANDBY_METADATA, target),
  );
}
