import { HttpException, HttpStatus, Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { FencedError } from './fenced-error.js';
import { FENCED_RESOURCE_METADATA, type FencedResourceName } from './fenced-resource.decorator.js';
import { FencingTokenStore } from './fencing-token-store.js';
import { FENCING_TOKEN_HEADER, parseFencingToken } from './fencing-token.js';

/**
 * For services that a leader writes to: refuses requests of terms that a later one has overtaken, with 412, and those
 * without a token, with 428. Needs a provider of {@link FencingTokenStore}.
 *
 * Between this guard and the write that it lets through the service itself may be paused. Where that must be closed too,
 * put the condition into the transaction of the write (`fence` of `nestjs-leader/postgres`).
 */
@Injectable()
export class FencingGuard implements CanActivate {
  constructor(@Inject(FencingTokenStore) private readonly store: FencingTokenStore) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<{ headers: Record<string, unknown> }>();
    const header = request.headers[FENCING_TOKEN_HEADER.toLowerCase()];
    const token = parseFencingToken(header);
    if (token === null) throw header === undefined ? missing() : malformed();

    const resource = resourceOf(context, request);
    if (await this.store.accept(resource, token)) return true;
    const { message, code } = new FencedError(resource, token);
    const body = { error: 'Precondition Failed', message, code, resource, token: token.toString() };
    throw refusal(HttpStatus.PRECONDITION_FAILED, body);
  }
}

function resourceOf(context: ExecutionContext, request: object): string {
  const named = [context.getHandler(), context.getClass()]
    .map((target): FencedResourceName | undefined => Reflect.getMetadata(FENCED_RESOURCE_METADATA, target))
    .find((name) => name !== undefined);
  if (typeof named === 'function') return named(request as never);
  return named ?? context.getClass().name;
}

function missing(): HttpException {
  return refusal(HttpStatus.PRECONDITION_REQUIRED, {
    error: 'Precondition Required',
    message: `The ${FENCING_TOKEN_HEADER} header is missing: this resource is written to by leaders only.`,
  });
}

function malformed(): HttpException {
  return refusal(HttpStatus.BAD_REQUEST, {
    error: 'Bad Request',
    message: `The ${FENCING_TOKEN_HEADER} header must be a decimal number below 2^63.`,
  });
}

function refusal(statusCode: HttpStatus, body: object): HttpException {
  return new HttpException({ statusCode, ...body }, statusCode);
}
