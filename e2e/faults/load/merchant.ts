/** Sends orders to the catalog, and asks about the jobs they have become. */
import { randomUUID } from 'node:crypto';
import { type Answer, type HttpClient, openHttpClient } from '@micromart/demo/http-client';
import type { System } from '../system/system.ts';
import { feedPath } from './feeds.ts';
import { type Order, type OrderHistory, orderedName, type Wanted } from './orders.ts';
import { formatTrace } from './sending.ts';

export type Merchant = {
  order(wanted: Wanted): Promise<Order>;
  /** Whether a job has ended, as one of the catalogs says; undefined when none of them answers that. */
  hasEnded(job: string): Promise<boolean | undefined>;
  /** Asks for a job that there is not. */
  askForNone(): Promise<void>;
  history(): OrderHistory;
  close(): void;
};

const CONNECTIONS = 32;
const TIMEOUT_MS = 30_000;
const ENDED = ['done', 'failed', 'cancelled'];
const SUPPLIER = 'http://127.0.0.1';

/** A merchant that asks the catalogs in turn. */
export function createMerchant({ addresses, sides }: System, token: string): Merchant {
  const clients: HttpClient[] = addresses.catalogs.map((url) =>
    openHttpClient(url, { connections: CONNECTIONS, timeoutMs: TIMEOUT_MS }),
  );
  const authorization = `Bearer ${token}`;
  const orders: Order[] = [];
  const misanswers: string[] = [];
  let traces = 0;
  let asked = 0;

  const ask = async (path: string): Promise<Answer | undefined> => {
    asked += 1;
    const client = clients[asked % clients.length]!;
    const answer = await client
      .send({ method: 'GET', path, headers: { authorization } })
      .catch(() => undefined);
    return answer?.status === 503 ? undefined : answer;
  };

  return {
    async order(wanted) {
      traces += 1;
      const trace = traces;
      const { body, ...request } = requestOf(wanted, trace, sides[0].links.supplier.port);
      const sentAtMs = Date.now();
      const outcome = await clients[trace % clients.length]!.send({
        ...request,
        headers: {
          authorization,
          traceparent: formatTrace(trace),
          ...(body && { 'content-type': 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
      }).then(outcomeOf, outcomeOfError);
      const order = { trace, sentAtMs, endedAtMs: Date.now(), wanted, outcome };
      orders.push(order);
      return order;
    },
    async hasEnded(job) {
      const answer = await ask(`/jobs/${job}`);
      if (!answer) return undefined;
      if (answer.status === 200) return ENDED.includes((JSON.parse(answer.body) as { state: string }).state);
      misanswers.push(`the accepted job ${job}: ${answer.status} ${answer.body.slice(0, 200)}`);
      return undefined;
    },
    async askForNone() {
      const answer = await ask(`/jobs/${randomUUID()}`);
      if (answer && answer.status !== 404) misanswers.push(`a job that never was: ${answer.status}`);
    },
    history: () => ({ orders, misanswers }),
    close() {
      for (const client of clients) client.close();
    },
  };
}

function requestOf(wanted: Wanted, trace: number, supplierPort: number) {
  if (wanted.kind === 'import') {
    const url = `${SUPPLIER}:${supplierPort}${feedPath(wanted.feed)}`;
    return { method: 'POST', path: '/imports', body: { url } };
  }
  const path = `/products/${wanted.productId}`;
  if (wanted.kind === 'withdraw') return { method: 'DELETE', path };
  const body = { name: orderedName(trace), price: { amount: trace, currency: 'USD' } };
  return { method: 'PUT', path, body };
}

function outcomeOf({ status, headers, body }: Answer): Order['outcome'] {
  if (status === 202) return { kind: 'accepted', job: String(headers.location).replace('/jobs/', '') };
  const why = `${status} ${body.slice(0, 200)}`;
  return status >= 500 ? { kind: 'unknown', why } : { kind: 'refused', why };
}

/** Only a connection that was never made shows that nothing was sent. */
function outcomeOfError(error: Error & { code?: string }): Order['outcome'] {
  const why = error.code ?? error.message;
  return error.code === 'ECONNREFUSED' ? { kind: 'refused', why } : { kind: 'unknown', why };
}
