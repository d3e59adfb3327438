import { connect, type Socket } from 'node:net';

export type RawConnection = {
  readonly socket: Socket;
  /** All text received, and whether the connection has ended. */
  readonly received: { text: string; ended: boolean };
  send(text: string): void;
};

/**
 * A bare connection to 127.0.0.1, to control exactly what is sent when. With `halfOpen` it stays open when the server ends
 * its side, like a client that never closes.
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
