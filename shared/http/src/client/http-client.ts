/**
 * HTTP requests over connections that are kept, by Node's own client: `fetch` costs twice the time, and each process that
 * uses it ten megabytes. Redirects are not followed.
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

export type HttpClient = {
  /** Resolves with the head of the answer, its body not yet read. Rejects when the signal aborts, as does the body's stream. */
  sendRequest(request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage>;
  /**
   * Closes the idle connections. Where one has gone silent, the others may have gone with it, and each would cost a timeout
   * of its own.
   */
  dropIdle(): void;
};

const MAX_HEAD_BYTES = 16_384;

/** `connections` at a time to each host. Idle ones keep no process alive. */
export function createHttpClient({ connections }: { connections: number }): HttpClient {
  const options = { keepAlive: true, maxSockets: connections };
  const agents = { http: new HttpAgent(options), https: new HttpsAgent(options) };

  const sendRequest: HttpClient['sendRequest'] = (request, signal) =>
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
          sendRequest(request, signal).then(resolve, reject);
        else reject(error);
      });
      outgoing.end(body);
    });

  return {
    sendRequest,
    dropIdle() {
      for (const { freeSockets } of [agents.http, agents.https])
        for (const socket of Object.values(freeSockets).flat()) socket?.destroy();
    },
  };
}

/** Safe methods change nothing (RFC 9110, 9.2.1), so they may be sent again. */
export const isSafe = (method: string): boolean => /^(GET|HEAD|OPTIONS|TRACE)$/.test(method);
