/** Sends shoppers' writes, each under a `traceparent` of its own, and says how it ended. */
import { type HttpClient, openHttpClient } from '@micromart/demo/http-client';
import { type LogPosition, parsePosition } from '@micromart/events/position';
import type { Attempt, Outcome } from './history.ts';

const TRACE_DIGITS = 32;
const SPAN = '00000000000000fa';
const FORM = /^00-([0-9a-f]{32})-00000000000000fa-01$/;

export const formatTrace = (trace: number): string =>
  `00-${trace.toString(16).padStart(TRACE_DIGITS, '0')}-${SPAN}-01`;

/** The number that a `traceparent` of ours carries; undefined for anybody else's. */
export function parseTrace(traceparent: string | undefined): number | undefined {
  const match = FORM.exec(traceparent ?? '');
  return match ? Number.parseInt(match[1]!, 16) : undefined;
}

export type Write = {
  readonly method: 'POST' | 'DELETE';
  readonly path: string;
  readonly token: string;
  readonly body?: unknown;
  readonly key?: string | undefined;
};

export type Sent = { readonly attempt: Attempt; readonly body: string };

/** The position of an acknowledged change, and when its request was sent. */
export type Written = { readonly position: LogPosition; readonly sentAtMs: number };

export type Sender = {
  send(write: Write): Promise<Sent>;
  inFlight(): number;
  /** Of the acknowledged change that was sent last. */
  newest(): Written | undefined;
  /** The same in each partition in which there is one. */
  newestEverywhere(): readonly Written[];
  close(): void;
};

const CONNECTIONS = 256;
const TIMEOUT_MS = 70_000;

/** A sender that asks the carts at `urls` in turn. */
export function createSender(urls: readonly string[]): Sender {
  const clients: HttpClient[] = urls.map((url) =>
    openHttpClient(url, { connections: CONNECTIONS, timeoutMs: TIMEOUT_MS }),
  );
  let traces = 0;
  let inFlight = 0;
  let newest: Written | undefined;
  const newestIn = new Map<number, Written>();
  const remember = (written: Written) => {
    const { partition } = written.position;
    if (written.sentAtMs >= (newest?.sentAtMs ?? 0)) newest = written;
    if (written.sentAtMs >= (newestIn.get(partition)?.sentAtMs ?? 0)) newestIn.set(partition, written);
  };

  return {
    async send({ method, path, token, body, key }) {
      traces += 1;
      const trace = traces;
      const sentAtMs = Date.now();
      inFlight += 1;
      const { outcome, text } = await clients[trace % clients.length]!.send({
        method,
        path,
        headers: {
          authorization: `Bearer ${token}`,
          traceparent: formatTrace(trace),
          ...(key && { 'idempotency-key': key }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }).then(
        ({ status, headers, body }) => ({ outcome: outcomeOf(status, headers, body), text: body }),
        (error) => ({ outcome: outcomeOfError(error), text: '' }),
      );
      inFlight -= 1;
      if (outcome.kind === 'acknowledged' && outcome.position)
        remember({ position: outcome.position, sentAtMs });
      return { attempt: { trace, sentAtMs, endedAtMs: Date.now(), outcome }, body: text };
    },
    inFlight: () => inFlight,
    newest: () => newest,
    newestEverywhere: () => [...newestIn.values()],
    close() {
      for (const client of clients) client.close();
    },
  };
}

/**
 * What an answer tells of what happened. A 503 can mean that the database went away before, or in the middle of the
 * commit, and says the same in both cases; a 500 says nothing at all. All other problems are refusals.
 */
function outcomeOf(status: number, headers: Readonly<Record<string, unknown>>, body: string): Outcome {
  if (status >= 200 && status < 300) {
    const [position] = parsePosition(String(headers.position ?? '')) ?? [];
    return { kind: 'acknowledged', position };
  }
  const why = `${status} ${body.slice(0, 200)}`;
  return status >= 500 ? { kind: 'unknown', why } : { kind: 'refused', why };
}

/** Only a connection that was never made shows that nothing was sent. */
function outcomeOfError(error: Error & { code?: string }): Outcome {
  const why = error.code ?? error.message;
  return error.code === 'ECONNREFUSED' ? { kind: 'refused', why } : { kind: 'unknown', why };
}
