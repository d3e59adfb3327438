/**
 * The connections of a server: the current request of each, the requests that wait behind it, and which connection to
 * close when there are too many.
 *
 * The requests of one connection run one after another. Each starts when the answer before it has left the process. Node
 * would start all requests that arrive in one read, up to two thousand, and hold their answers in memory while the client
 * reads none of them. Answers leave in the order of the requests anyway, and requests that change something must not run
 * concurrently (RFC 9112, 9.3.2).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { refuseUnreadable, type UnreadableRequest } from './unreadable-request.ts';

export type ConnectionLimits = {
  readonly maxConnections: number;
  /** Requests that wait behind others, over all connections. Each takes some two kilobytes. */
  readonly maxWaiting: number;
};

export type Connections = {
  add(socket: Socket): void;
  /**
   * Whether to parse anything more of this connection; called before a request object is made. If too many requests wait, it
   * closes the connection and returns false.
   */
  mayRead(socket: Socket): boolean;
  /** Runs a request when its turn has come; never, if the connection ends before. */
  take(request: IncomingMessage, response: ServerResponse): void;
  /** Refuses an unreadable request, after the answers before it. */
  refuse(socket: Socket, error: UnreadableRequest): void;
  /** The answers in progress. */
  inFlight(): ServerResponse[];
  sockets(): Iterable<Socket>;
};

type PendingRequest = { readonly request: IncomingMessage; readonly response: ServerResponse };

type Connection = {
  readonly socket: Socket;
  /**
   * A field and not a set of all current requests: a set reallocates its table as members come and go, and each old table
   * keeps its members alive, and the next table, until a full collection of the heap.
   */
  current: PendingRequest | undefined;
  readonly waiting: PendingRequest[];
  /** Whether reading is paused because too many requests wait. */
  held: boolean;
  /** Comes after all waiting requests, and is the last. */
  unreadable: UnreadableRequest | undefined;
  refused: boolean;
  /** When it last sent a request, counted in requests of the process. */
  askedAt: number;
};

/** With more waiting requests than this, a connection is not read until they have been answered. */
const HOLD_ABOVE = 16;
const SILENT_SHARE = 0.1;

/** `onFull` is called for each connection that is closed or refused because there are too many. */
export function createConnections({
  maxConnections,
  maxWaiting,
  handle,
  onFull,
}: ConnectionLimits & {
  handle(request: IncomingMessage, response: ServerResponse): void;
  onFull(): void;
}): Connections {
  const connections = new Map<Socket, Connection>();
  /** Connections without any request so far, the oldest first. */
  const silent = new Set<Connection>();
  let asked = 0;
  let waiting = 0;

  const forget = (connection: Connection) => {
    if (!connections.delete(connection.socket)) return;
    silent.delete(connection);
    waiting -= connection.waiting.splice(0).length;
  };

  const begin = (connection: Connection, pending: PendingRequest) => {
    connection.current = pending;
    pending.response.once('close', () => next(connection));
    handle(pending.request, pending.response);
  };

  const next = (connection: Connection) => {
    connection.current = undefined;
    // An answer that said "Connection: close" was the last (RFC 9112, 9.6).
    if (!connection.socket.writable) return forget(connection);
    const pending = connection.waiting.shift();
    if (pending) {
      waiting -= 1;
      begin(connection, pending);
    } else if (connection.unreadable) {
      refuseNow(connection, connection.unreadable);
    }
    if (connection.held && connection.waiting.length <= HOLD_ABOVE) {
      connection.held = false;
      connection.socket.resume();
    }
  };

  const enqueue = (connection: Connection, pending: PendingRequest) => {
    waiting += 1;
    connection.waiting.push(pending);
    if (connection.waiting.length <= HOLD_ABOVE) return;
    connection.held = true;
    connection.socket.pause();
  };

  const refuseNow = (connection: Connection, error: UnreadableRequest) => {
    connection.refused = true;
    refuseUnreadable(connection.socket, error);
  };

  /**
   * The connection to close for a new one: one without a current request, or one that does not read its answer. Those that
   * have sent nothing go first, so that a flood of them ends no other connections. But a few of them may stay, because a
   * new connection needs a moment to send its request.
   */
  const connectionToEvict = (): Connection | undefined => {
    const [oldestSilent] = silent;
    if (silent.size > maxConnections * SILENT_SHARE) return oldestSilent;
    let idle: Connection | undefined;
    let stalled: Connection | undefined;
    for (const connection of connections.values()) {
      if (silent.has(connection)) continue;
      if (!connection.current) {
        if (!idle || connection.askedAt < idle.askedAt) idle = connection;
      } else if (connection.socket.writableNeedDrain) {
        if (!stalled || connection.askedAt < stalled.askedAt) stalled = connection;
      }
    }
    return idle ?? oldestSilent ?? stalled;
  };

  return {
    add(socket) {
      const connection: Connection = {
        socket,
        current: undefined,
        waiting: [],
        held: false,
        unreadable: undefined,
        refused: false,
        askedAt: 0,
      };
      if (connections.size >= maxConnections) {
        onFull();
        const given = connectionToEvict();
        if (given) forget(given);
        (given?.socket ?? socket).destroy();
        if (!given) return;
      }
      connections.set(socket, connection);
      silent.add(connection);
      socket.once('close', () => forget(connection));
      // Node resumes reading whenever an answer has ended. Anything read too early still counts towards the limit above.
      socket.on('resume', () => {
        if (connection.held) socket.pause();
      });
    },
    mayRead(socket) {
      const connection = connections.get(socket);
      if (connection && (waiting < maxWaiting || connection.waiting.length === 0)) return true;
      if (connection) forget(connection);
      socket.destroy();
      return false;
    },
    take(request, response) {
      const connection = connections.get(request.socket);
      if (!connection || connection.refused || connection.unreadable) return;
      silent.delete(connection);
      asked += 1;
      connection.askedAt = asked;
      if (connection.current) enqueue(connection, { request, response });
      else begin(connection, { request, response });
    },
    refuse(socket, error) {
      const connection = connections.get(socket);
      if (connection?.refused) return;
      const last = connection && (connection.waiting.at(-1) ?? connection.current);
      if (!connection || !socket.writable || isHalfAnswered(last)) {
        socket.destroy();
        return;
      }
      connection.unreadable ??= error;
      const isOwnBody = last && !last.request.complete;
      if (isOwnBody && last !== connection.current) {
        connection.waiting.pop();
        waiting -= 1;
      }
      if (!connection.current || (isOwnBody && last === connection.current)) refuseNow(connection, error);
    },
    inFlight: () => [...connections.values()].flatMap(({ current }) => (current ? [current.response] : [])),
    sockets: () => connections.keys(),
  };
}

/** Whether an answer has begun and goes on, so that nothing else may be written now. */
const isHalfAnswered = (pending: PendingRequest | undefined): boolean =>
  pending?.response.headersSent === true && !pending.response.writableEnded;
