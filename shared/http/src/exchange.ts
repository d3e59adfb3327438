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

export type Exchange = {
  /** Comes back with the head of the answer, its body yet to be read; rejects when the signal is aborted, also later. */
  ask(request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage>;
  /**
   * Trusts no connection any more that is idle: where one has gone without a word, the others may have gone with it, and
   * each would cost as long.
   */
  dropIdle(): void;
};

const MAX_HEAD_BYTES = 16_384;

/** `connections` at a time to each host. Idle ones keep no process alive. */
export function createExchange({ connections }: { connections: number }): Exchange {
  const options = { keepAlive: true, maxSockets: connections };
  const agents = { http: new HttpAgent(options), https: new HttpsAgent(options) };

  const ask: Exchange['ask'] = (request, signal) =>
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
          ask(request, signal).then(resolve, reject);
        else reject(error);
      });
      outgoing.end(body);
    });

  return {
    ask,
    dropIdle() {
      for (const { freeSockets } of [agents.http, agents.https])
        for (const socket of Object.values(freeSockets).flat()) socket?.destroy();
    },
  };
}

/** Safe methods change nothing (RFC 9110, 9.2.1), so they may be sent again. */
export const isSafe = (method: string): boolean => /^(GET|HEAD|OPTIONS|TRACE)$/.test(method);
