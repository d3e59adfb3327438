import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * A TCP proxy that a test puts in front of a server, to make connections fail at a chosen moment. It works for any
 * protocol.
 */
export type TcpProxy = {
  readonly port: number;
  /**
   * From now on, drops what the server answers and destroys the connection: the client's request has been executed, and the
   * client never learns its outcome.
   */
  cutReplies(): void;
  /** Destroys every connection, and each new one as it comes, as if the server were gone. */
  cutAll(): void;
  /** Passes nothing on in either direction, without closing anything: a network that hangs. */
  pause(): void;
  resume(): void;
  /**
   * From now on, passes nothing on over existing connections and tells neither side. Each sees the other as silent, as when a
   * machine between them fails. New connections work.
   */
  abandon(): void;
  /** Ends cutting and pausing. Destroyed connections stay destroyed. */
  restore(): void;
  close(): Promise<void>;
};

type Mode = 'pass' | 'cut replies' | 'cut all';

/** Opens a proxy to the server at `host` and `port`, on a free port of 127.0.0.1. */
export async function openTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  let mode: Mode = 'pass';
  let paused = false;
  const pairs = new Set<readonly [Socket, Socket]>();
  const abandoned = new Set<readonly [Socket, Socket]>();
  const destroyAll = () => {
    for (const [client, server] of [...pairs, ...abandoned]) {
      client.destroy();
      server.destroy();
    }
  };
  const setPaused = (value: boolean) => {
    paused = value;
    for (const socket of [...pairs].flat()) {
      if (paused) socket.pause();
      else socket.resume();
    }
  };

  const listener = createServer({ allowHalfOpen: true }, (client) => {
    if (mode === 'cut all') {
      client.destroy();
      return;
    }
    const server = connect({ ...target, allowHalfOpen: true });
    const pair = [client, server] as const;
    pairs.add(pair);
    const destroy = () => {
      client.destroy();
      server.destroy();
      pairs.delete(pair);
      abandoned.delete(pair);
    };
    const forward = (from: Socket, to: Socket) => {
      from.on('data', (chunk) => {
        if (from === server && mode === 'cut replies') return destroy();
        if (to.write(chunk)) return;
        from.pause();
        to.once('drain', () => {
          if (!paused && !abandoned.has(pair)) from.resume();
        });
      });
      from.on('end', () => to.end());
      from.on('error', destroy);
      from.on('close', destroy);
      from.setNoDelay(true);
      if (paused) from.pause();
    };
    forward(client, server);
    forward(server, client);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');

  return {
    port: (listener.address() as AddressInfo).port,
    cutReplies: () => {
      mode = 'cut replies';
    },
    cutAll: () => {
      mode = 'cut all';
      destroyAll();
    },
    pause: () => setPaused(true),
    resume: () => setPaused(false),
    abandon: () => {
      for (const pair of pairs) {
        for (const socket of pair) socket.pause();
        abandoned.add(pair);
      }
      pairs.clear();
    },
    restore: () => {
      mode = 'pass';
      setPaused(false);
    },
    close: async () => {
      destroyAll();
      listener.close();
      await once(listener, 'close');
    },
  };
}
