/**
 * A load generator of its own process, as cheap as it can be, since it shares the cores with what it measures: requests
 * are buffers, answers are not parsed beyond their status and length. One request at a time on each connection.
 */
import { connect, type Socket } from 'node:net';

export type Shot = { readonly status: number; readonly latencyMs: number; readonly head: string };

export type Connection = {
  /** Sends one request and gives its answer; rejects when the connection breaks. */
  send(request: string): Promise<Shot>;
  close(): void;
};

const END_OF_HEAD = '\r\n\r\n';

/** Opens a kept-alive connection. Understands answers with a Content-Length, or without a body. */
export async function openConnection(host: string, port: number): Promise<Connection> {
  const socket: Socket = connect({ host, port, noDelay: true });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  let received = '';
  let waiting: { resolve: (shot: Shot) => void; reject: (error: Error) => void; sentMs: number } | undefined;

  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    received += chunk;
    const end = received.indexOf(END_OF_HEAD);
    if (end < 0) return;
    const head = received.slice(0, end);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (received.length < end + END_OF_HEAD.length + length) return;
    received = received.slice(end + END_OF_HEAD.length + length);
    if (!waiting) throw new Error(`answered without being asked: ${head.slice(0, head.indexOf('\r'))}`);
    const { resolve, sentMs } = waiting;
    waiting = undefined;
    resolve({ status: Number(head.slice(9, 12)), latencyMs: performance.now() - sentMs, head });
  });
  const fail = (error?: Error) => {
    waiting?.reject(error ?? new Error('the server closed the connection'));
    waiting = undefined;
  };
  socket.on('error', fail).on('close', () => fail());

  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        if (socket.destroyed) {
          reject(new Error('the server closed the connection'));
          return;
        }
        waiting = { resolve, reject, sentMs: performance.now() };
        socket.write(request, 'latin1');
      }),
    close: () => socket.destroy(),
  };
}

/** A request as it goes over the wire. */
export function requestText(
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Readonly<Record<string, string>>; body?: string } = {},
): string {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: bench',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  if (body !== undefined) lines.push('Content-Type: application/json', `Content-Length: ${body.length}`);
  return `${lines.join('\r\n')}${END_OF_HEAD}${body ?? ''}`;
}
