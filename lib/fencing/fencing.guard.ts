import { HttpStatus, Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { isLeaderElectionError, LeaderElectionConfigError } from '../election/index.js';
import { FENCING_GUARD, LEADER_GUARD } from '../leader-election.constants.js';
import { resourceName } from './checks.js';
import { FencedError } from './fenced-error.js';
import { FENCED_RESOURCE_METADATA, type FencedResourceName } from './fenced-resource.decorator.js';
import { FencingTokenStore } from './fencing-token-store.js';
import { FENCING_TOKEN_HEADER, parseFencingToken } from './fencing-token.js';
import { refusalOf } from './transport-errors.js';
import { UnfenceableError } from './unfenceable-error.js';

/** Where Nest keeps what `@UseGuards` says. */
const GUARDS_METADATA = '__guards__';

/**
 * For services that a leader writes to: refuses requests of terms that a later one has overtaken, with 412, those without a token, with
 * 428, and those that name no resource, with 400. Needs a provider of {@link FencingTokenStore}.
 *
 * Whoever passes it with a token fences out every lower one, the leader's too: it must come after authentication, as the last guard,
 * and refuses to run before another guard of its handler.
 *
 * Between this guard and the write that it lets through the service itself may be paused. Where that must be closed too,
 * put the condition into the transaction of the write (`fence` of `nestjs-leader/postgres`).
 */
@Injectable()
export class FencingGuard implements CanActivate {
  static readonly [FENCING_GUARD] = true;

  constructor(@Inject(FencingTokenStore) private readonly store: FencingTokenStore) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const kind = context.getType<string>();
    if (kind !== 'http') throw await refusalOf(kind, notHttp(kind), HttpStatus.BAD_REQUEST);
    refuseEarlierThanOthers(context);
    const request = context.switchToHttp().getRequest<{ headers: Record<string, unknown> }>();
    const header = request.headers[FENCING_TOKEN_HEADER.toLowerCase()];
    const token = parseFencingToken(header);
    if (token === null) {
      throw header === undefined
        ? await refusalOf(kind, missing(), HttpStatus.PRECONDITION_REQUIRED)
        : await refusalOf(kind, malformed(), HttpStatus.BAD_REQUEST);
    }
    try {
      const resource = resourceName(await resourceOf(context, request));
      if (await this.store.accept(resource, token)) return true;
      const details = { resource, token: token.toString() };
      throw await refusalOf(kind, new FencedError(resource, token), HttpStatus.PRECONDITION_FAILED, details);
    } catch (error) {
      if (!isLeaderElectionError(error)) throw error;
      if (error.code === 'UNFENCEABLE') throw await refusalOf(kind, error, HttpStatus.BAD_REQUEST);
      if (error.code === 'FENCING_STORE_FULL') throw await refusalOf(kind, error, HttpStatus.SERVICE_UNAVAILABLE);
      throw error;
    }
  }
}

/** Awaited: a promise is another key each time. */
function resourceOf(context: ExecutionContext, request: object): unknown {
  const named = [context.getHandler(), context.getClass()]
    .map((target): FencedResourceName | undefined => Reflect.getMetadata(FENCED_RESOURCE_METADATA, target))
    .find((name) => name !== undefined);
  if (typeof named === 'function') return named(request as never);
  return named ?? context.getClass().name;
}

/**
 * Of guards that apply to all handlers nothing is known here, but those of the controller and of the handler stand in their metadata.
 * @throws LeaderElectionConfigError where one of those comes later: who is refused by it has moved the mark all the same
 */
function refuseEarlierThanOthers(context: ExecutionContext): void {
  const guards = [context.getClass(), context.getHandler()].flatMap(
    (target): object[] => Reflect.getMetadata(GUARDS_METADATA, target) ?? [],
  );
  const later = guards.slice(guards.findLastIndex(isFencingGuard) + 1).filter((guard) => !isLeaderGuard(guard));
  if (later.length === 0) return;
  const handler = `${context.getClass().name}.${context.getHandler().name}`;
  throw new LeaderElectionConfigError(
    `FencingGuard runs before ${later.map(nameOf).join(', ')} on ${handler}: a request that is refused there would fence out the leader.`,
    'Make FencingGuard the last guard: @UseGuards(AuthGuard, FencingGuard) in one place, on the handler if others stand there.',
  );
}

function isFencingGuard(guard: object | null): boolean {
  const type = (typeof guard === 'function' ? guard : guard?.constructor) as { [FENCING_GUARD]?: unknown } | undefined;
  return type?.[FENCING_GUARD] === true;
}

/** The one that `@OnlyWhenLeader` adds: it asks nobody who they are. */
function isLeaderGuard(guard: unknown): boolean {
  return typeof guard === 'function' && (guard as { [LEADER_GUARD]?: unknown })[LEADER_GUARD] === true;
}

function nameOf(guard: unknown): string {
  return typeof guard === 'function' ? guard.name : String((guard as object | null)?.constructor.name);
}

function notHttp(kind: string): UnfenceableError {
  return new UnfenceableError(
    `FencingGuard reads the ${FENCING_TOKEN_HEADER} header of an HTTP request, and this is ${kind}: nothing was let in.`,
    'Put the token into the message, and ask assertNotFenced(store, resource, token) in the handler.',
  );
}

function missing(): UnfenceableError {
  return new UnfenceableError(
    `The ${FENCING_TOKEN_HEADER} header is missing: this resource is written to by leaders only.`,
  );
}

function malformed(): UnfenceableError {
  return new UnfenceableError(`The ${FENCING_TOKEN_HEADER} header must be a decimal number below 2^63.`);
}
