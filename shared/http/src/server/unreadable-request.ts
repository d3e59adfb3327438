/** Answers what cannot be read as a request. It never reaches the application, but gets a problem document too. */
import type { Socket } from 'node:net';

export type UnreadableRequest = { readonly code?: string | undefined };

export const MAX_HEADER_BYTES = 16_384;

/** The code of a CONNECT request, after which a connection no longer speaks HTTP. */
export const TUNNEL = 'TUNNEL';

/**
 * How long a client may go on sending before a refused connection is destroyed. Destroyed at once, the connection could lose
 * the refusal, because a reset answers what the client still sends (RFC 9112, 9.6).
 */
const LINGER_MS = 1_000;

const REFUSALS: Readonly<Record<string, readonly [status: number, title: string, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [
    431,
    'Request Header Fields Too Large',
    `The headers have more than ${MAX_HEADER_BYTES} bytes.`,
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'The request did not arrive in time.'],
  [TUNNEL]: [405, 'Method Not Allowed', 'This server opens no tunnels.'],
};
const NOT_HTTP = [400, 'Bad Request', 'The request is not valid HTTP/1.1.'] as const;

/** Answers with a problem, ends the connection, and destroys it a moment later, whether the client closes it or not. */
export function refuseUnreadable(socket: Socket, { code = '' }: UnreadableRequest): void {
  const [status, title, detail] = REFUSALS[code] ?? NOT_HTTP;
  const body = JSON.stringify({ type: 'about:blank', title, status, detail });
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    'Content-Type: application/problem+json',
    'Cache-Control: no-store',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  // Discards what still arrives.
  socket.resume();
  const lingering = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(lingering));
}
