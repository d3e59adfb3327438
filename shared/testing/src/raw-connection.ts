import { connect, type Socket } from 'node:net';

export type RawConnection = {
  readonly socket: Socket;
  /** All that came back, and whether the connection is gone. */
  readonly received: { text: string; ended: boolean };
  send(text: string): void;
};

/**
 * A bare connection to 127.0.0.1, to say exactly what is sent when. It stays open when the server ends its side, as a
 * client that never closes would, where `halfOpen` says so.
 */
export async function openRawConnection(
  port: number,
  { halfOpen = false }: { halfOpen?: boolean } = {},
): Promise<RawConnection> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: halfOpen });
  const received = { text: '', ended: false };
  socket.on('data', (chunk) => {
    received.text += chunk;
  });
  socket
    .on('error', () => {})
    .on('close', () => {
      received.ended = true;
    });
  await new Promise((resolve) => socket.once('connect', resolve));
  return { socket, received, send: (text) => void socket.write(text) };
}
