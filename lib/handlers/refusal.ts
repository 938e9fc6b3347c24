import { ServiceUnavailableException } from '@nestjs/common';
import { NotLeaderError } from '../election/index.js';
import type { HandlerKind } from './handler-kind.js';

/** Seconds after which a refused caller should ask again. A handover takes milliseconds; less cannot be said in the header. */
export const RETRY_AFTER_SECONDS = 1;

/**
 * The error with which a call is refused, of the class that its transport lets through. The framework's own classes are needed because
 * each transport answers anything else with "Internal server error"; they are imported on first need, by which time
 * the application has loaded them.
 */
export async function refusal(kind: HandlerKind | undefined, error: NotLeaderError): Promise<Error> {
  const { message, election, code } = error;
  try {
    switch (kind) {
      case 'http':
      case 'sse':
        return new ServiceUnavailableException(
          { statusCode: 503, error: 'Service Unavailable', message, code, election },
          { cause: error },
        );
      case 'rpc': {
        const { RpcException } = await import('@nestjs/microservices');
        return Object.assign(new RpcException({ status: 'error', message, code, election }), { cause: error });
      }
      case 'ws': {
        const { WsException } = await import('@nestjs/websockets');
        return Object.assign(new WsException({ status: 'error', message, code, election }), { cause: error });
      }
      case 'graphql': {
        const { GraphQLError } = await import('graphql');
        // Apollo's way to answer headers. Not a status: other fields of the same request may have been resolved.
        const http = { headers: new Map([['retry-after', String(RETRY_AFTER_SECONDS)]]) };
        return new GraphQLError(message, { originalError: error, extensions: { code, election, http } });
      }
      default:
        return error;
    }
  } catch {
    // Without the package of its transport nothing could translate it either. The `try` is also how bundlers know an optional package.
    return error;
  }
}
