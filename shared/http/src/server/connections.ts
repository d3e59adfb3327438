/**
 * The connections of a server: the request in hand on each, those that wait behind it, and which connection goes when
 * there are too many.
 *
 * Requests of one connection are carried out one after the other, each when the answer before it has left the process. Node
 * would begin all that stand in one read, up to two thousand, and hold their answers in memory for as long as the client
 * reads none of them. Answers go out in the order of the requests anyway, and requests that change something must not be
 * carried out beside each other (RFC 9112, 9.3.2).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { refuseUnreadable, type UnreadableRequest } from './unreadable-request.ts';

export type ConnectionLimits = {
  readonly maxConnections: number;
  /** Requests that wait behind others, on all connections. Each costs some two kilobytes. */
  readonly maxWaiting: number;
};

export type Connections = {
  add(socket: Socket): void;
  /**
   * Asked before a request is even made: whether any more is to be read of this connection. Says no where too much waits, and
   * gives the connection up.
   */
  mayRead(socket: Socket): boolean;
  /** Has a request carried out when its turn has come; never, if the connection ends before. */
  take(request: IncomingMessage, response: ServerResponse): void;
  /** Refuses what cannot be read, behind the answers that it is still to have. */
  refuse(socket: Socket, error: UnreadableRequest): void;
  /** The answers that are being worked on. */
  inFlight(): ServerResponse[];
  sockets(): Iterable<Socket>;
};

type PendingRequest = { readonly request: IncomingMessage; readonly response: ServerResponse };

type Connection = {
  readonly socket: Socket;
  /**
   * Here, and not in a set of all: a set moves to another table again and again as its members come and go, and each table
   * that it has left keeps its members, and the next table, until all of the heap is collected.
   */
  current: PendingRequest | undefined;
  readonly waiting: PendingRequest[];
  /** Whether it is not read from, because too much waits. */
  held: boolean;
  /** What comes behind all that waits, and is the last. */
  unreadable: UnreadableRequest | undefined;
  refused: boolean;
  /** When it asked last, in requests of the process. */
  askedAt: number;
};

/** Above this a connection is not read from until it has been worked off. */
const HOLD_ABOVE = 16;
const SILENT_SHARE = 0.1;

/** `onFull` is told of each connection that is given up, or not taken, because there are too many. */
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
  /** Those that have asked nothing yet, the oldest first. */
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
   * Whom to give up for a new connection: one that is not being answered, or does not read its answer. Those that have asked
   * nothing go first, so that no flood of them ends the connections of others; but a few may stay, for a new one needs a
   * moment to ask.
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
      // Node reads on whenever an answer has ended. Reading too much is only held against the limit above.
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

/** Whether an answer has begun that goes on: nothing else may be written now. */
const isHalfAnswered = (pending: PendingRequest | undefined): boolean =>
  pending?.response.headersSent === true && !pending.response.writableEnded;
