import type { IncomingMessage } from 'node:http';
import { LeaderElectionError, LeaseStoreError } from '../../election/errors.js';
import type { Credentials } from './connection.js';
import { NoAnswer, type Answer, type Request, type Transport } from './transport.js';

/** Requests with credentials, and the one retry that a rotated token deserves. */
export class ApiClient {
  constructor(
    private readonly credentials: Credentials,
    private readonly transport: Transport,
  ) {}

  namespace(signal: AbortSignal): Promise<string> {
    return this.credentials.namespace(signal);
  }

  /** @throws NoAnswer with a LeaseStoreError as its cause */
  async call(request: Request, signal: AbortSignal): Promise<Answer> {
    try {
      const answer = await this.attempt(request, signal);
      if (answer.status !== 401) return answer;
      this.credentials.distrust();
      // Refused before anything was done, so even a write may be sent again. Unless it had been sent before: of that the next answer
      // would show no trace.
      if (answer.repeated) return answer;
      return await this.attempt(request, signal);
    } catch (error) {
      throw this.explain(error, signal);
    }
  }

  /** @throws NoAnswer with a LeaseStoreError as its cause */
  async stream(request: Request, signal: AbortSignal): Promise<IncomingMessage> {
    try {
      const response = await this.open(request, signal);
      if (response.statusCode !== 401) return response;
      response.destroy();
      this.credentials.distrust();
      return await this.open(request, signal);
    } catch (error) {
      throw this.explain(error, signal);
    }
  }

  private async attempt(request: Request, signal: AbortSignal): Promise<Answer> {
    return this.transport.call(await this.credentials.connection(signal), request, signal);
  }

  private async open(request: Request, signal: AbortSignal): Promise<IncomingMessage> {
    return this.transport.stream(await this.credentials.connection(signal), request, signal);
  }

  private explain(error: unknown, signal: AbortSignal): NoAnswer {
    const sent = error instanceof NoAnswer && error.sent;
    const cause = error instanceof NoAnswer ? error.cause : error;
    if (cause instanceof LeaderElectionError) return new NoAnswer(sent, cause);
    // A rotated CA shows as a failed handshake: the next attempt reads it again.
    if (ofCertificate((cause as NodeJS.ErrnoException).code)) this.credentials.distrust();
    return new NoAnswer(sent, signal.aborted ? timeout(sent, cause) : broken(sent, cause));
  }
}

function timeout(sent: boolean, cause: unknown): LeaseStoreError {
  const where = sent ? 'did not answer' : 'could not be reached';
  return new LeaseStoreError('STORE_TIMEOUT', `The API server ${where} in time.`, {
    advice: 'It is retried by itself; if it lasts, look at the network to the API server and at its load.',
    cause,
  });
}

function broken(sent: boolean, cause: unknown): LeaseStoreError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const detail = message || code || String(cause);
  return new LeaseStoreError(
    'STORE_FAILED',
    `${sent ? 'The connection to the API server broke' : 'No connection to the API server'}: ${detail}.`,
    { advice: connectAdvice(code), cause },
  );
}

const ofCertificate = (code = '') => /CERT|SIGNATURE|SELF_SIGNED|ALTNAME/.test(code);

function connectAdvice(code = ''): string {
  if (ofCertificate(code)) {
    return 'Its certificate does not fit the CA in use: check the CA file or the kubeconfig. The CA is read again before the next attempt.';
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'Its host name does not resolve: check the address and DNS.';
  return 'It is retried by itself; if it lasts, check its address and the network.';
}
