import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { retry } from '@micromart/process/retry';

const PORT_ATTEMPTS = 3;

/** A port of 127.0.0.1 that is free now, for programs that cannot listen on port 0. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts what listens on free ports, on others when another process took one meanwhile. */
export const startOnFreePorts = <T>(start: () => Promise<T>): Promise<T> =>
  retry(start, {
    attempts: PORT_ATTEMPTS,
    isTransient: (error) => (error as NodeJS.ErrnoException).code === 'EADDRINUSE',
  });
