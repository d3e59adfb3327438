/**
 * Listens, within limits, and stops without failing anybody. `close()`:
 *
 * 1. tells whoever waits (long polls, streams) to answer now, and has readiness say 503, so that a balancer sends nobody
 *    any more; whoever comes is served all the same;
 * 2. puts `Connection: close` on every answer from now on, so that clients leave a connection because they were told,
 *    not because it closed under a request they had just sent;
 * 3. after a short grace takes no new connections, and closes those on which nothing is asked. To close the listener
 *    at once would reset the connections that the kernel has taken and this process has not;
 * 4. after four seconds destroys what is left.
 */
import { once } from 'node:events';
import { createServer, IncomingMessage, type Server, ServerResponse } from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Express } from 'express';
import type { Logger } from '../process/logger.ts';
import { endEarly } from './signal.ts';

export type RunningServer = { readonly url: string; readonly port: number; close(): Promise<void> };

const MAX_HEADER_BYTES = 16_384;
const MAX_CONNECTIONS = 10_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** To receive a request; answering it may take longer. */
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** Without a byte in either direction: a client that does not read its answer, or a stream that says nothing. */
const SILENCE_TIMEOUT_MS = 120_000;
/** Long enough that whoever asks often has been told on each of its connections, and a balancer by readiness. */
const LEAVING_GRACE_MS = 500;
const IN_HAND_LIMIT_MS = 4_000;

/** Rejects when the address cannot be listened on. Port 0 takes any that is free. */
export async function startServer(
  app: Express,
  { host, port, logger }: { host: string; port: number; logger: Logger },
): Promise<RunningServer> {
  /**
   * The answers in hand, of each connection. They are not in one set: a set moves to another table again and again as they
   * come and go, and each table that it has left keeps its answers, and the next table, until all of the heap is collected.
   */
  const connections = new Map<Socket, ServerResponse[]>();
  const inHand = () => [...connections.values()].flat();
  let stopping = false;

  const server = createServer({
    IncomingMessage: bornAs(IncomingMessage, app.request),
    ServerResponse: bornAs(ServerResponse, app.response),
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: HEADERS_TIMEOUT_MS / 2,
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = SILENCE_TIMEOUT_MS;
  server.on('connection', (socket) => {
    connections.set(socket, []);
    socket.once('close', () => connections.delete(socket));
  });
  server.on('request', (request, response) => {
    const here = connections.get(request.socket)!;
    here.push(response);
    response.on('close', () => here.splice(here.indexOf(response), 1));
    if (stopping) endSoon(response);
    app(request, response);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const answering = connections.get(socket)?.some((response) => response.headersSent);
    if (error.code === 'ECONNRESET' || !socket.writable || answering) socket.destroy();
    else refuseUnreadable(error, socket);
  });

  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;

  const closeIdle = () => server.closeIdleConnections();
  /** Node counts a connection that never asked anything among the busy ones. */
  const closeSilent = () => {
    for (const socket of connections.keys()) if (socket.bytesRead === 0) socket.destroy();
  };

  const stop = async () => {
    stopping = true;
    for (const response of inHand()) endSoon(response);
    const limit = setTimeout(() => {
      logger.warn({ inHand: inHand().length }, 'requests were cut off: they were not answered in time');
      server.closeAllConnections();
    }, IN_HAND_LIMIT_MS);
    // Where nobody is connected, nobody has to be told.
    if (connections.size > 0) await sleep(LEAVING_GRACE_MS);
    const closed = closeListener(server);
    closeIdle();
    // A stream that began before we stopped could not say that its connection is to be closed.
    for (const response of inHand()) response.once('close', closeIdle);
    // Whoever connected last may be about to ask.
    const silent = setTimeout(closeSilent, LEAVING_GRACE_MS);
    await closed;
    clearTimeout(silent);
    clearTimeout(limit);
  };

  let stopped: Promise<void> | undefined;
  return {
    url: `http://${address.family === 'IPv6' ? `[${host}]` : host}:${address.port}`,
    port: address.port,
    close: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

/**
 * Makes what `base` makes, but of express's own kind from the beginning: express gives every request and response another
 * prototype, after which V8 looks for their hidden class anew (a twelfth of what a request costs).
 */
function bornAs<Base extends new (...args: never[]) => object>(base: Base, prototype: object): Base {
  function Born(...args: unknown[]): object {
    return Reflect.construct(base, args, Born);
  }
  Born.prototype = prototype;
  return Born as unknown as Base;
}

/** Resolves when all connections have ended. The HTTP server's own close would close the idle ones at once. */
const closeListener = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    NetServer.prototype.close.call(server, () => {
      server.close();
      resolve();
    });
  });

function endSoon(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
  endEarly(response);
}

const UNREADABLE: Readonly<Record<string, readonly [status: number, title: string, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [
    431,
    'Request Header Fields Too Large',
    `The headers have more than ${MAX_HEADER_BYTES} bytes.`,
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'The request did not arrive in time.'],
};
const NOT_HTTP = [400, 'Bad Request', 'The request is not valid HTTP/1.1.'] as const;

/** What cannot be read as a request never reaches the application, but is answered in the same form. */
function refuseUnreadable({ code }: NodeJS.ErrnoException, socket: Socket): void {
  const [status, title, detail] = UNREADABLE[code ?? ''] ?? NOT_HTTP;
  const body = JSON.stringify({ type: 'about:blank', title, status, detail });
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
