import { once } from 'node:events';
import { createServer } from 'node:net';
import { LOCAL_HOST, MAX_PORT_OFFSET, PORT_OFFSETS } from './system.ts';

const MAX_PORT = 65_535;
const STEP = 1_000;
const MAX_STEPS = 60;

/** Sees whether each can listen where it is meant to. Throws one line that says what to do when one cannot. */
export async function requireFreePorts(
  host: string,
  users: readonly { readonly name: string; readonly port: number }[],
): Promise<void> {
  for (const { name, port } of users) {
    const code = await whyNot(host, port);
    if (code) throw await portFailure({ name, host, port, code });
  }
}

/** What to say, and to do, when a port cannot be listened on, by the error's code. */
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
  const why = code === 'EACCES' ? 'may not be used by this user' : 'is taken';
  const free = await findFreePortBase(host, port);
  const example = free === undefined ? '' : `, such as PORT_BASE=${free}`;
  return new Error(`port ${port}, for ${name}, ${why}; choose others by PORT_BASE${example}`);
}

/** A PORT_BASE in steps of a thousand from `port` on, all of whose ports are free at this moment; undefined if none is. */
export async function findFreePortBase(host: string, port: number): Promise<number | undefined> {
  const highest = MAX_PORT - MAX_PORT_OFFSET;
  for (let step = 1; step <= MAX_STEPS; step += 1) {
    const base = (Math.floor(port / STEP) + step) * STEP;
    const wrapped = base <= highest ? base : base % (Math.floor(highest / STEP) * STEP) || STEP;
    const ports = PORT_OFFSETS.map((offset) => wrapped + offset);
    // The services are on HOST, and what is embedded on this.
    if ((await areFree(host, ports)) && (await areFree(LOCAL_HOST, ports))) return wrapped;
  }
  return undefined;
}

export async function areFree(host: string, ports: readonly number[]): Promise<boolean> {
  for (const port of ports) if (await whyNot(host, port)) return false;
  return true;
}

/** The code of the error with which listening there fails; undefined where it does not. */
async function whyNot(host: string, port: number): Promise<string | undefined> {
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
