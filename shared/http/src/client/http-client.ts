/**
 * HTTP requests over kept-alive connections, by Node's own client: `fetch` costs about twice the time, and more memory in
 * each process. Redirects are not followed.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** Names are in lower case; several lines of one name are joined by ", " (RFC 9110, 5.3; no service here sets cookies). */
export type HttpHeaders = Readonly<Record<string, string>>;

export type HttpRequest = {
  readonly method: string;
  readonly url: string;
  readonly headers: HttpHeaders;
  readonly body?: string | undefined;
};

export type HttpClient = {
  /** Resolves with the head of the answer, its body still unread. Aborting the signal also ends the body's stream. */
  sendRequest(request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage>;
  /**
   * Closes the idle connections. When one has gone silent, the others probably have too, and each would cost a timeout of
   * its own.
   */
  dropIdle(): void;
};

const MAX_HEAD_BYTES = 16_384;

/** Opens at most `connections` to each host. Idle ones keep no process alive. */
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
        // The server closed the kept-alive connection while this request was on its way, so it never saw the request.
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
