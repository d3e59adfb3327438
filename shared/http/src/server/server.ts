/**
 * Listens, within limits, and stops without failing any client. `close()`:
 *
 * 1. ends long polls and streams, and makes readiness say 503, so that a balancer sends no more clients. For a short grace
 *    it serves all requests as before, on the connections that clients have. When the listener closes, the kernel resets
 *    connections that this process has not accepted yet, so few clients should be connecting then;
 * 2. accepts no new connections, and puts `Connection: close` on every answer, so that clients leave because they were
 *    told to, and not because a connection closed under a request they had just sent;
 * 3. after another grace closes the idle connections. It counts only while the process runs: one that was frozen, or got no
 *    processor, first reads what has arrived meanwhile;
 * 4. after four seconds destroys the rest.
 */
import { once } from 'node:events';
import { createServer, IncomingMessage, type Server, ServerResponse } from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@micromart/process/logger';
import type { Express } from 'express';
import { endEarly } from './answer-signal.ts';
import { type ConnectionLimits, createConnections } from './connections.ts';
import { MAX_HEADER_BYTES, TUNNEL } from './unreadable-request.ts';
import { withPrototype } from './with-prototype.ts';

export type RunningServer = { readonly url: string; readonly port: number; close(): Promise<void> };

export type ServerLimits = ConnectionLimits & {
  /** Time to receive the head of a request. */
  readonly headersTimeoutMs: number;
};

const LIMITS: ServerLimits = { maxConnections: 10_000, maxWaiting: 2_048, headersTimeoutMs: 10_000 };
/** Time to receive a request; answering it may take longer. */
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** Time without a byte in either direction: a client that does not read its answer, or a silent stream. */
const SILENCE_TIMEOUT_MS = 120_000;
/** Long enough for a balancer that asks for readiness several times a second. */
const LEAVING_GRACE_MS = 500;
/** Long enough that active clients have been told on each of their connections. */
const IDLE_GRACE_MS = 500;
/** A standstill shortens the grace by one slice. */
const GRACE_SLICES = 10;
const IN_FLIGHT_LIMIT_MS = 4_000;

/** How often the warning about too many connections may appear. */
const WARN_INTERVAL_MS = 60_000;

/** Rejects when it cannot listen on the address. Port 0 picks any free port. */
export async function startServer(
  app: Express,
  {
    host,
    port,
    logger,
    limits = {},
  }: { host: string; port: number; logger: Logger; limits?: Partial<ServerLimits> },
): Promise<RunningServer> {
  const { headersTimeoutMs, ...connectionLimits } = { ...LIMITS, ...limits };
  let state: 'serving' | 'leaving' | 'closing' = 'serving';
  const connections = createConnections({
    ...connectionLimits,
    onFull: warnWhenFull(logger, connectionLimits.maxConnections),
    handle(request, response) {
      if (state === 'leaving') endEarly(response);
      if (state === 'closing') endSoon(response);
      app(request, response);
    },
  });

  const server = createServer({
    IncomingMessage: onlyWhere(connections.mayRead, withPrototype(IncomingMessage, app.request)),
    ServerResponse: withPrototype(ServerResponse, app.response),
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: headersTimeoutMs,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: headersTimeoutMs / 2,
    // The application refuses a request without it, with a problem.
    requireHostHeader: false,
    // Most requests have no body and need no stream for one.
    optimizeEmptyRequests: true,
  });
  server.timeout = SILENCE_TIMEOUT_MS;
  server.on('connection', connections.add);
  server.on('request', connections.take);
  // The application grants or refuses what a request expects.
  server.on('checkContinue', connections.take);
  server.on('checkExpectation', connections.take);
  server.on('connect', (_, socket) => connections.refuse(socket as Socket, { code: TUNNEL }));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET') socket.destroy();
    else connections.refuse(socket, error);
  });

  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;

  const closeIdle = () => server.closeIdleConnections();
  /** Node counts a connection that never sent a request among the busy ones. */
  const closeSilent = () => {
    for (const socket of connections.sockets()) if (socket.bytesRead === 0) socket.destroy();
  };

  const stop = async () => {
    state = 'leaving';
    for (const response of connections.inFlight()) endSoon(response);
    const limit = setTimeout(() => {
      logger.warn(
        { inFlight: connections.inFlight().length },
        'requests were cut off because they were not answered in time',
      );
      server.closeAllConnections();
    }, IN_FLIGHT_LIMIT_MS);
    // Without any connection there is nobody to tell.
    if ([...connections.sockets()].length > 0) await sleep(LEAVING_GRACE_MS);
    state = 'closing';
    const closed = closeListener(server);
    for (const response of connections.inFlight()) endSoon(response);
    if (await endsWithin(IDLE_GRACE_MS, closed)) return clearTimeout(limit);
    closeIdle();
    closeSilent();
    // A stream that began before the stop could not announce that its connection closes.
    for (const response of connections.inFlight()) response.once('close', closeIdle);
    await closed;
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
 * Makes request objects only for wanted connections. For others it makes one that claims to switch to another protocol,
 * which stops the parser. Otherwise the parser would go on to make a request and a response of everything it has received.
 * If a version of Node ignores the claim, the requests are made in vain, and ignored.
 */
function onlyWhere(
  mayRead: (socket: Socket) => boolean,
  base: typeof IncomingMessage,
): typeof IncomingMessage {
  function Wanted(socket: Socket): IncomingMessage {
    return mayRead(socket) ? new base(socket) : new Unwanted(socket);
  }
  return Wanted as unknown as typeof IncomingMessage;
}

class Unwanted extends IncomingMessage {
  get upgrade(): boolean {
    return true;
  }

  set upgrade(_: unknown) {}
}

/** Resolves when all connections have ended. The HTTP server's own close would end the idle ones at once. */
const closeListener = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    NetServer.prototype.close.call(server, () => {
      server.close();
      resolve();
    });
  });

/** Whether something ends within a time, counted in slices. */
async function endsWithin(ms: number, ending: Promise<void>): Promise<boolean> {
  const stop = new AbortController();
  const ended = ending.then(() => true);
  try {
    for (let slice = 0; slice < GRACE_SLICES; slice += 1) {
      const passed = sleep(ms / GRACE_SLICES, false, { signal: stop.signal });
      passed.catch(() => {});
      if (await Promise.race([ended, passed])) return true;
    }
    return false;
  } finally {
    stop.abort();
  }
}

function endSoon(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
  endEarly(response);
}

/** Warns at once, and then at most once a minute. */
function warnWhenFull(logger: Logger, maxConnections: number): () => void {
  let saidMs = Number.NEGATIVE_INFINITY;
  return () => {
    if (performance.now() - saidMs < WARN_INTERVAL_MS) return;
    saidMs = performance.now();
    logger.warn({ maxConnections }, 'too many connections: silent ones are closed to make room for new ones');
  };
}
