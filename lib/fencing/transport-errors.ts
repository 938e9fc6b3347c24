import { HttpException, HttpStatus } from '@nestjs/common';
import type { LeaderElectionError } from '../election/index.js';

/** What the answer says beside what every error has. */
type Details = Readonly<Record<string, string>>;

/** `error` as the class that the transport lets through: each answers anything else with "Internal server error". */
export async function refusalOf(
  kind: string,
  error: LeaderElectionError,
  status: HttpStatus,
  details: Details = {},
): Promise<Error> {
  const { message, code } = error;
  try {
    switch (kind) {
      case 'rpc': {
        const { RpcException } = await import('@nestjs/microservices');
        return Object.assign(new RpcException({ status: 'error', message, code, ...details }), { cause: error });
      }
      case 'ws': {
        const { WsException } = await import('@nestjs/websockets');
        return Object.assign(new WsException({ status: 'error', message, code, ...details }), { cause: error });
      }
      case 'graphql': {
        const { GraphQLError } = await import('graphql');
        return new GraphQLError(message, { originalError: error, extensions: { code, ...details } });
      }
      default:
        return new HttpException({ statusCode: status, error: REASONS[status], message, code, ...details }, status, {
          cause: error,
        });
    }
  } catch {
    // Without the package of its transport nothing could translate it either. The `try` is also how bundlers know an optional package.
    return error;
  }
}

const REASONS: Readonly<Partial<Record<HttpStatus, string>>> = {
  [HttpStatus.BAD_REQUEST]: 'Bad Request',
  [HttpStatus.PRECONDITION_FAILED]: 'Precondition Failed',
  [HttpStatus.PRECONDITION_REQUIRED]: 'Precondition Required',
  [HttpStatus.SERVICE_UNAVAILABLE]: 'Service Unavailable',
};
