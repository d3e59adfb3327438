/**
 * A balancer: one address for several processes. Each request goes to one of those in rotation, drawn anew. It asks every
 * process for its readiness all the time: one that says 503 is given nothing new, and one that says nothing at
 * all also loses what it was given, as balancers do that close a dead host's connections; one that only takes no new
 * connections may be about to end, and finishes. Where none is in rotation, all of them are.
 *
 * Bodies stream in both directions. A request is given to another process only where the first refused the connection,
 * so that nothing of it was sent; nothing else is repeated.
 */
import { once } from 'node:events';
import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
  request as send,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Draw } from '@micromart/demo/draws';

export type Balancer = {
  readonly url: string;
  readonly port: number;
  /** Gives requests to the process at `url` from now on. */
  add(url: string): void;
  /** Whether it gives requests to the process at `url`, sooner or later. */
  knows(url: string): boolean;
  /** Whether the process at `url` is in rotation. */
  serves(url: string): boolean;
  /** Ends in order every answer that goes on and on, so that whoever listened asks again, and maybe another process. */
  endStreams(): void;
  close(): Promise<void>;
};

/** One for each kind of service. */
export type Balancers = { readonly [Kind in 'carts' | 'catalogs' | 'trackings']: Balancer };

type Target = { readonly url: string; agent: Agent; inRotation: boolean };

const CHECK_INTERVAL_MS = 100;
const CHECK_TIMEOUT_MS = 1_000;
/** Who says nothing so often is silent: a single time may be a standstill of the balancer itself. */
const SILENCES = 2;
const STREAM = 'application/x-ndjson';
/** They concern one connection alone (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = ['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'];

export async function openBalancer(host: string, draw: Draw): Promise<Balancer> {
  const targets: Target[] = [];
  const closing = new AbortController();
  const checks: Promise<void>[] = [];
  const streams = new Set<() => void>();

  async function check(target: Target): Promise<void> {
    while (!closing.signal.aborted) {
      const isReady = await askUntilSaid(target.url);
      target.inRotation = isReady ?? false;
      if (isReady === undefined) target.agent = renewed(target.agent);
      await sleep(CHECK_INTERVAL_MS, undefined, { signal: closing.signal }).catch(() => {});
    }
  }

  /** All in rotation, in an order by chance. */
  function candidates(): Target[] {
    const serving = targets.filter(({ inRotation }) => inRotation);
    const left = [...(serving.length > 0 ? serving : targets)];
    return Array.from({ length: left.length }, () => left.splice(draw(left.length), 1)[0]!);
  }

  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) =>
    forward(request, response, { targets: candidates(), streams }),
  );
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://${host}:${port}`,
    port,
    add(url) {
      const target = { url, agent: new Agent({ keepAlive: true }), inRotation: false };
      targets.push(target);
      checks.push(check(target));
    },
    knows: (url) => targets.some((target) => target.url === url),
    serves: (url) => targets.some((target) => target.url === url && target.inRotation),
    endStreams() {
      for (const end of streams) end();
    },
    async close() {
      closing.abort();
      await Promise.all(checks);
      for (const { agent } of targets) agent.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** What the process says, undefined when it says nothing several times in a row. */
async function askUntilSaid(url: string): Promise<boolean | undefined> {
  for (let silences = 0; silences < SILENCES; silences += 1) {
    const isReady = await askReadiness(url);
    if (isReady !== undefined) return isReady;
  }
  return undefined;
}

/** What the process says, false where it takes no connection; undefined when it says nothing for too long. */
async function askReadiness(url: string): Promise<boolean | undefined> {
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) });
    await response.arrayBuffer();
    return response.ok;
  } catch (error) {
    return (error as Error).name === 'TimeoutError' ? undefined : false;
  }
}

/** Drops every connection, with what is under way on it. */
function renewed(agent: Agent): Agent {
  agent.destroy();
  return new Agent({ keepAlive: true });
}

function forward(
  request: IncomingMessage,
  response: ServerResponse,
  { targets, streams }: { targets: readonly Target[]; streams: Set<() => void> },
): void {
  const [target, ...others] = targets;
  if (!target) {
    response.writeHead(503).end();
    return;
  }
  const { hostname, port } = new URL(target.url);
  const { method, url: path } = request;
  const headers = endToEnd(request.headers);
  const sent = send({ agent: target.agent, hostname, port, method, path, headers });
  const giveUp = () => sent.destroy();
  response.once('close', giveUp);
  sent.once('socket', (socket) => {
    const begin = () => request.pipe(sent);
    if (socket.connecting) socket.once('connect', begin);
    else begin();
  });
  sent.once('response', (answer) => {
    response.writeHead(answer.statusCode!, endToEnd(answer.headers));
    response.flushHeaders();
    answer.pipe(response);
    const end = () => {
      answer.unpipe(response);
      response.end();
    };
    if (answer.headers['content-type']?.startsWith(STREAM)) streams.add(end);
    answer.once('close', () => {
      streams.delete(end);
      if (!answer.complete && !response.writableEnded) response.destroy();
    });
  });
  sent.on('error', (error: NodeJS.ErrnoException) => {
    response.off('close', giveUp);
    if (error.code === 'ECONNREFUSED') forward(request, response, { targets: others, streams });
    else response.destroy();
  });
}

const endToEnd = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name)));
