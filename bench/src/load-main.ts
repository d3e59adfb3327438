/**
 * `node load-main.ts '<json>'`: keeps posting items into carts over a number of connections, for a time, and prints what
 * came of it as JSON. A process of its own, so that it takes no time from the server's event loop.
 */
import { openConnection, requestText } from './load-client.ts';
import type { LoadPlan, LoadResult } from './post-load.ts';

const PRODUCTS = 8;

const plan = JSON.parse(process.argv[2]!) as LoadPlan;
const statuses: Record<number, number> = {};
const connections = await Promise.all(
  Array.from({ length: plan.connections }, () => openConnection(plan.host, plan.port)),
);
const startedMs = performance.now();
const untilMs = startedMs + plan.seconds * 1_000;
await Promise.all(
  connections.map(async (connection, lane) => {
    const own = plan.cartIds.filter((_, n) => n % plan.connections === lane);
    for (let turn = 0; performance.now() < untilMs; turn += 1) {
      const body = JSON.stringify({ items: [{ productId: `product-${turn % PRODUCTS}`, quantity: 1 }] });
      const headers = {
        authorization: plan.authorization,
        ...(plan.keys && { 'idempotency-key': `${plan.keys}-${lane}-${turn}` }),
      };
      const request = requestText('POST', `/carts/${own[turn % own.length]}/items`, { headers, body });
      const { status } = await connection.send(request);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    connection.close();
  }),
);
const result: LoadResult = {
  statuses,
  perSecond: ((statuses[200] ?? 0) * 1_000) / (performance.now() - startedMs),
};
process.stdout.write(JSON.stringify(result));
