import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';

/** A small HTTP client for one address. Connections are kept alive and limited, bodies are text, and nothing is retried. */
export type HttpClient = { readonly url: string; send(sent: Request): Promise<Answer>; close(): void };

export type Request = {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
};

export type Answer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
};

const MAX_BODY_CHARACTERS = 16_000_000;

/**
 * Opens a client of `url` (http:, without a path) with at most `connections`. `send` rejects if the connection fails, or is
 * silent for `timeoutMs`; whether the request took effect is then unknown.
 */
export function openHttpClient(
  url: string,
  { connections, timeoutMs }: { connections: number; timeoutMs: number },
): HttpClient {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const { hostname: written, port } = new URL(url);
  // Brackets belong to the URL, not to the address.
  const hostname = written.replace(/^\[(.*)\]$/, '$1');

  const send = ({ method, path, headers, body }: Request): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      const sent = request(
        { agent, hostname, port, method, path, headers: { ...headers, ...length }, timeout: timeoutMs },
        (incoming) => readAnswer(incoming).then(resolve, reject),
      );
      sent.on('timeout', () => sent.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
      sent.on('error', reject);
      sent.end(body);
    });

  return { url, send, close: () => agent.destroy() };
}

function readAnswer(incoming: IncomingMessage): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let body = '';
    incoming.setEncoding('utf8');
    incoming.on('data', (part: string) => {
      body += part;
      if (body.length > MAX_BODY_CHARACTERS) incoming.destroy(new Error('the answer is too long'));
    });
    incoming.on('error', reject);
    incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }));
  });
}
