import type { IncomingMessage } from 'node:http';
import type { LastRequest } from '../../../election/exit/exit.js';
import { LeaderElectionError, LeaseStoreError } from '../../../election/errors.js';
import { quoted } from '../../../election/report/quoted.js';
import type { Connection, Credentials } from './connection.js';
import { RETRIED } from './refusals.js';
import { NoAnswer, type Answer, type Request, type Transport } from './transport.js';

/** Requests with credentials, and the one retry that a rotated token deserves. */
export class ApiClient {
  /** What the API server took last. */
  private trusted: Connection | null = null;

  constructor(
    private readonly credentials: Credentials,
    private readonly transport: Transport,
  ) {}

  namespace(signal: AbortSignal): Promise<string> {
    return this.credentials.namespace(signal);
  }

  /** @throws NoAnswer with a LeaseStoreError as its cause */
  async call(request: Request, signal: AbortSignal): Promise<Answer> {
    const attempt = (connection: Connection) => this.transport.call(connection, request, signal);
    const first = await this.attempt(request, attempt, ({ status }) => status, signal);
    // Refused before anything was done, so even a write may be sent again. Unless it had been sent before: of that the next answer
    // would show no trace.
    if (first.status !== 401 || first.repeated) return first;
    return this.attempt(request, attempt, ({ status }) => status, signal);
  }

  /** @throws NoAnswer with a LeaseStoreError as its cause */
  async stream(request: Request, signal: AbortSignal): Promise<IncomingMessage> {
    const attempt = (connection: Connection) => this.transport.stream(connection, request, signal);
    const first = await this.attempt(request, attempt, ({ statusCode = 0 }) => statusCode, signal);
    if (first.statusCode !== 401) return first;
    first.destroy();
    return this.attempt(request, attempt, ({ statusCode = 0 }) => statusCode, signal);
  }

  /** Sends it whole before it returns, on a connection that is open, with the credentials used last. `null`: it could not. */
  callAtExit(request: Request): LastRequest | null {
    return this.trusted && this.transport.callAtExit(this.trusted, request);
  }

  private async attempt<T>(
    { once }: Request,
    send: (connection: Connection) => Promise<T>,
    statusOf: (answer: T) => number,
    signal: AbortSignal,
  ): Promise<T> {
    let connection: Connection | undefined;
    try {
      connection = await this.credentials.connection(signal);
      const answer = await send(connection);
      const status = statusOf(answer);
      if (status === 401) {
        this.credentials.distrust(connection, true);
        // Where several API servers share the address, it may be this one that knows no credentials.
        this.transport.leaveIdle();
      } else if (status < 500) {
        this.credentials.trust(connection);
        this.trusted = connection;
      }
      return answer;
    } catch (error) {
      const { sent, cause } = error instanceof NoAnswer ? error : { sent: false, cause: error };
      // A rotated CA shows as a failed handshake: the next attempt reads it again.
      if (connection && ofCertificate((cause as NodeJS.ErrnoException).code))
        this.credentials.distrust(connection, false);
      throw new NoAnswer(sent, explain(sent, cause, signal, once));
    }
  }
}

function explain(sent: boolean, cause: unknown, signal: AbortSignal, once?: boolean): LeaderElectionError {
  if (cause instanceof LeaderElectionError) return cause;
  return signal.aborted ? timeout(sent, cause, once) : broken(sent, cause, once);
}

function timeout(sent: boolean, cause: unknown, once?: boolean): LeaseStoreError {
  const what = sent ? 'The API server did not answer in time' : 'No connection to the API server came about in time';
  return new LeaseStoreError('STORE_TIMEOUT', `${what}: this process has stopped waiting for it.`, {
    advice: retried('Look at the network to the API server and at its load.', once),
    cause,
  });
}

function broken(sent: boolean, cause: unknown, once?: boolean): LeaseStoreError {
  const { code, message } = cause as NodeJS.ErrnoException;
  // Certificates are somebody else's text too.
  const detail = quoted(message || code || String(cause));
  return new LeaseStoreError(
    'STORE_FAILED',
    `${sent ? 'The connection to the API server broke' : 'No connection to the API server'}: ${detail}.`,
    { advice: retried(connectAdvice(sent, code), once), cause },
  );
}

const retried = (advice: string, once = false) => (once ? advice : `${advice} ${RETRIED}`);

const ofCertificate = (code = '') => /CERT|SIGNATURE|SELF_SIGNED|ALTNAME/.test(code);

function connectAdvice(sent: boolean, code = ''): string {
  if (ofCertificate(code))
    return 'Its certificate does not fit the CA in use: check the CA file or the kubeconfig, which are read again.';

  const { HTTPS_PROXY, https_proxy } = process.env;
  const proxy =
    !sent && (HTTPS_PROXY ?? https_proxy) ? ' HTTPS_PROXY is not looked at: set `proxy-url` in the kubeconfig.' : '';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `Its host name does not resolve: check the address and DNS.${proxy}`;

  return `If it lasts, check its address and the network.${proxy}`;
}
