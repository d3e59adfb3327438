import { once } from 'node:events';
import { createServer } from 'node:net';
import { LOCAL_HOST, MAX_PORT_OFFSET, PORT_OFFSETS } from './system.ts';

const MAX_PORT = 65_535;
const STEP = 1_000;
const MAX_STEPS = 60;

/** Checks that each process can listen at its address. Throws a one-line error that says what to do if one cannot. */
export async function requireFreePorts(
  host: string,
  users: readonly { readonly name: string; readonly port: number }[],
): Promise<void> {
  for (const { name, port } of users) {
    const code = await listenError(host, port);
    if (code) throw await portFailure({ name, host, port, code });
  }
}

/** The error for a port that cannot be listened on, with advice, by the system's error code. */
export async function portFailure({
  name,
  host,
  port,
  code,
}: {
  name: string;
  host: string;
  port: number;
  code: string;
}): Promise<Error> {
  if (code !== 'EADDRINUSE' && code !== 'EACCES') {
    return new Error(
      `${name} cannot listen on port ${port} of ${host} (${code}); is HOST an address of this machine?`,
    );
  }
  const why = code === 'EACCES' ? 'is not allowed for this user' : 'is taken';
  const free = await findFreePortBase(host, port);
  const example = free === undefined ? '' : `, such as PORT_BASE=${free}`;
  return new Error(`port ${port}, for ${name}, ${why}; choose others by PORT_BASE${example}`);
}

/** A PORT_BASE, in steps of a thousand from `port` on, with only free ports at this moment; undefined if there is none. */
export async function findFreePortBase(host: string, port: number): Promise<number | undefined> {
  const highest = MAX_PORT - MAX_PORT_OFFSET;
  for (let step = 1; step <= MAX_STEPS; step += 1) {
    const base = (Math.floor(port / STEP) + step) * STEP;
    const wrapped = base <= highest ? base : base % (Math.floor(highest / STEP) * STEP) || STEP;
    const ports = PORT_OFFSETS.map((offset) => wrapped + offset);
    // The services listen on HOST, the embedded servers on this.
    if ((await areFree(host, ports)) && (await areFree(LOCAL_HOST, ports))) return wrapped;
  }
  return undefined;
}

export async function areFree(host: string, ports: readonly number[]): Promise<boolean> {
  for (const port of ports) if (await listenError(host, port)) return false;
  return true;
}

/** The error code of listening there; undefined if it succeeds. */
async function listenError(host: string, port: number): Promise<string | undefined> {
  const server = createServer().listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
  server.close();
  await once(server, 'close');
  return undefined;
}
