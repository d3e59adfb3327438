import { once } from 'node:events';
import { createServer } from 'node:net';

/** Sees whether each can listen where it is meant to. Throws one line that says what to do when one cannot. */
export async function requireFreePorts(
  host: string,
  users: readonly { readonly name: string; readonly port: number }[],
): Promise<void> {
  for (const { name, port } of users) {
    const server = createServer().listen(port, host);
    try {
      await once(server, 'listening');
    } catch (error) {
      throw portFailure(name, port, (error as NodeJS.ErrnoException).code);
    }
    server.close();
    await once(server, 'close');
  }
}

export function portFailure(name: string, port: number, code: string | undefined): Error {
  if (code === 'EADDRINUSE') {
    return new Error(
      `port ${port}, for ${name}, is taken; choose others by PORT_BASE, such as PORT_BASE=5000`,
    );
  }
  if (code === 'EACCES') {
    return new Error(`port ${port}, for ${name}, may not be used by this user; choose others by PORT_BASE`);
  }
  return new Error(`${name} cannot listen on port ${port} (${code}); is HOST an address of this machine?`);
}
