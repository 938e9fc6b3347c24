import { NotLeaderError, type Election, type LeadershipTerm } from '../election/index.js';
import { FENCING_TOKEN_HEADER, fencingHeaders } from './fencing-token.js';

/**
 * `fetch`, with the fencing token of the work that calls it.
 *
 * @throws NotLeaderError, without a request, outside admitted work on a standby
 */
export function fencedFetch(election: Election, send: typeof fetch = fetch): typeof fetch {
  return async (input, init) => {
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
    for (const [name, value] of Object.entries(fencingHeaders(ownTerm(election)))) headers.set(name, value);
    return send(input, { ...init, headers });
  };
}

/**
 * The same for axios: `httpService.axiosRef.interceptors.request.use(fencingInterceptor(election))`.
 *
 * @throws NotLeaderError, without a request, outside admitted work on a standby
 */
export function fencingInterceptor(election: Election) {
  return <Config extends { headers: { set(name: string, value: string): unknown } }>(config: Config): Config => {
    config.headers.set(FENCING_TOKEN_HEADER, ownTerm(election).fencingToken.toString());
    return config;
  };
}

/** Of the admitted work around the call, even once it is over: the receiver must know the work by it. */
function ownTerm(election: Election): LeadershipTerm {
  const term = election.currentTerm();
  if (term === null) throw new NotLeaderError(election.name);
  return term;
}
