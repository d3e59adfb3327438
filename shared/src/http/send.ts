/**
 * One HTTP exchange over connections that are kept, by Node's own client: `fetch` costs twice the time, and each process
 * that uses it ten megabytes. Redirects are not followed. Everything has a limit: the time for the whole answer, the
 * bytes of its head and of its body. A body that was cut short is an error, never a shorter answer.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** By name in lower case; the lines of one name joined by ", " (RFC 9110, 5.3; a service has no cookies to set). */
export type HttpHeaders = Readonly<Record<string, string>>;

export type HttpRequest = {
  readonly method: string;
  readonly url: string;
  readonly headers: HttpHeaders;
  readonly body?: string | undefined;
};

export type HttpAnswer = {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: Buffer;
  /**
   * Whether the answer itself said where it ends. Where only the end of the connection does (RFC 9112, 6.3, rule 8),
   * nobody can tell it from one that was cut short.
   */
  readonly framed: boolean;
};

export type SendLimits = {
  /** For the whole answer. */
  readonly timeoutMs: number;
  /** Of the body. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
};

/** Rejects when there is no whole answer within the limits; with the signal's reason when it was aborted. */
export type Send = (request: HttpRequest, limits: SendLimits) => Promise<HttpAnswer>;

const MAX_HEAD_BYTES = 16_384;
const MS_PER_S = 1_000;

/** `connections` at a time to each host. Idle ones keep no process alive. */
export function createSend({ connections }: { connections: number }): Send {
  const options = { keepAlive: true, maxSockets: connections };
  const agents = { http: new HttpAgent(options), https: new HttpsAgent(options) };

  const exchange = (request: HttpRequest, signal: AbortSignal) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const { method, url, headers, body } = request;
      const secure = url.startsWith('https:');
      const outgoing = (secure ? httpsRequest : httpRequest)(url, {
        agent: secure ? agents.https : agents.http,
        method,
        headers,
        signal,
        maxHeaderSize: MAX_HEAD_BYTES,
      });
      outgoing.once('response', resolve);
      outgoing.once('error', (error: NodeJS.ErrnoException) => {
        const { reusedSocket } = outgoing;
        // The server closed the kept connection while this was on its way: it never saw the request.
        if (reusedSocket && error.code === 'ECONNRESET' && isSafe(method) && !signal.aborted)
          exchange(request, signal).then(resolve, reject);
        else reject(error);
      });
      outgoing.end(body);
    });

  return async (request, { timeoutMs, maxBytes, signal }) => {
    const timeout = AbortSignal.timeout(timeoutMs);
    const limited = signal ? AbortSignal.any([signal, timeout]) : timeout;
    try {
      const incoming = await exchange(request, limited);
      const headers = headersOf(incoming);
      const body = await readBody(incoming, maxBytes);
      return { status: incoming.statusCode!, headers, body, framed: isFramed(incoming) };
    } catch (error) {
      signal?.throwIfAborted();
      if (timeout.aborted) {
        // Where one connection has gone without a word, the idle ones may have gone with it, and each would cost as long.
        dropIdle(agents.http);
        dropIdle(agents.https);
        throw new Error(`did not answer within ${timeoutMs / MS_PER_S} s`);
      }
      throw error;
    }
  };
}

function dropIdle({ freeSockets }: HttpAgent): void {
  for (const socket of Object.values(freeSockets).flat()) socket?.destroy();
}

/** Safe methods change nothing (RFC 9110, 9.2.1), so they may be sent again. */
export const isSafe = (method: string): boolean => /^(GET|HEAD|OPTIONS|TRACE)$/.test(method);

/** Node would leave out all but the first line of some names, which then say less than was sent. */
function headersOf({ rawHeaders }: IncomingMessage): HttpHeaders {
  const headers = new Map<string, string>();
  for (let n = 0; n < rawHeaders.length; n += 2) {
    const name = rawHeaders[n]!.toLowerCase();
    const before = headers.get(name);
    const value = rawHeaders[n + 1]!;
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return Object.fromEntries(headers);
}

const isFramed = ({ statusCode, headers }: IncomingMessage): boolean =>
  'content-length' in headers || 'transfer-encoding' in headers || statusCode === 204 || statusCode === 304;

async function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new Error(`answered more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}
