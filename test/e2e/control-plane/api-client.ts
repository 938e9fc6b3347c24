import { Agent, request } from 'node:https';

export interface ApiResponse {
  status: number;
  // The shape depends on the call; tests look at what they asked for.
  body: Record<string, unknown> & { metadata?: Record<string, unknown>; spec?: Record<string, unknown> };
}

/** What a test does to the API server from outside the elections: plain requests with one credential. */
export class ApiClient {
  private readonly agent = new Agent({ keepAlive: true });

  constructor(
    private readonly url: string,
    private readonly ca: () => string,
    private readonly credential: { token?: string; cert?: string; key?: string },
  ) {}

  call(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<ApiResponse> {
    return new Promise((resolve, reject) => {
      const { token, ...certificate } = this.credential;
      const headers = { ...(token && { authorization: `Bearer ${token}` }), 'content-type': contentType };
      const call = request(
        new URL(path, this.url),
        { method, headers, ...certificate, ca: this.ca(), agent: this.agent, timeout: 15_000 },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: parse(text) }));
          response.on('error', reject);
        },
      );
      call.on('timeout', () => call.destroy(new Error(`${method} ${path} timed out`)));
      call.on('error', reject);
      call.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
    });
  }

  /** As `call`, but anything except a 2xx is thrown. */
  async must(method: string, path: string, body?: unknown, contentType?: string): Promise<ApiResponse['body']> {
    const response = await this.call(method, path, body, contentType);
    if (response.status >= 200 && response.status < 300) return response.body;
    throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(response.body)}`);
  }

  /** Server-side apply of manifests in JSON or YAML, one document per object; unknown and duplicate fields are refused. */
  async apply(path: string, manifest: unknown): Promise<ApiResponse['body']> {
    return this.must(
      'PATCH',
      `${path}?fieldManager=e2e&force=true&fieldValidation=Strict`,
      manifest,
      'application/apply-patch+yaml',
    );
  }

  close(): void {
    this.agent.destroy();
  }
}

function parse(text: string): ApiResponse['body'] {
  try {
    return JSON.parse(text) as ApiResponse['body'];
  } catch {
    // /readyz and proxies answer in plain text; the caller sees it as such.
    return { text };
  }
}
