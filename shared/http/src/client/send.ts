/**
 * One HTTP exchange, its answer read whole. The time for the answer, the bytes of its head and of its body have limits. A
 * body that was cut short is an error, never a shorter answer.
 */
import type { IncomingMessage } from 'node:http';
import { createHttpClient, type HttpHeaders, type HttpRequest } from './http-client.ts';

export type HttpAnswer = {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: Buffer;
  /**
   * Whether the answer itself says where it ends. If only the end of the connection does (RFC 9112, 6.3, rule 8), nobody
   * can distinguish it from one that was cut short.
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

/** Rejects when no whole answer arrives within the limits; with the signal's reason when it aborts. */
export type Send = (request: HttpRequest, limits: SendLimits) => Promise<HttpAnswer>;

const MS_PER_S = 1_000;

/** Opens at most `connections` to each host. */
export function createSend({ connections }: { connections: number }): Send {
  const { sendRequest, dropIdle } = createHttpClient({ connections });

  return async (request, { timeoutMs, maxBytes, signal }) => {
    const timeout = AbortSignal.timeout(timeoutMs);
    const limited = signal ? AbortSignal.any([signal, timeout]) : timeout;
    try {
      const incoming = await sendRequest(request, limited);
      const headers = headersOf(incoming);
      const body = await readBody(incoming, maxBytes);
      return { status: incoming.statusCode!, headers, body, framed: isFramed(incoming) };
    } catch (error) {
      signal?.throwIfAborted();
      if (timeout.aborted) {
        dropIdle();
        throw new Error(`did not answer within ${timeoutMs / MS_PER_S} s`);
      }
      throw error;
    }
  };
}

/** Node drops all but the first line of some names, so the headers would say less than was sent. */
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
