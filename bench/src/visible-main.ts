/**
 * `node visible-main.ts '<json>'`: posts items at an even rate, and asks for some of them how long after the answer their
 * counter shows them: `GET /products/{id}/counts` with the answer's `Position` as `Consistent-With`, which is held back
 * until the counter includes it. Prints the latencies in milliseconds.
 */
import { atRate } from './at-rate.ts';
import { type Connection, openConnection, requestText } from './load-client.ts';
import type { VisiblePlan, VisibleResult } from './visible.ts';

const PRODUCTS = 8;
const WIDTH = 64;
const PROBES_PER_SECOND = 50;

const plan = JSON.parse(process.argv[2]!) as VisiblePlan;
/** Connections that are free; more are opened when they are needed, since a server gives up on one that asks nothing. */
const writers: Connection[] = [];
const readers: Connection[] = [];
const every = Math.max(1, Math.round(plan.perSecond / PROBES_PER_SECOND));
const latenciesMs: number[] = [];
let posted = 0;

await atRate({ perSecond: plan.perSecond, seconds: plan.seconds, width: WIDTH }, async (n) => {
  const productId = `product-${n % PRODUCTS}`;
  const writer = writers.pop() ?? (await openConnection(plan.host, plan.cartPort));
  const reader =
    n % every === 0 ? (readers.pop() ?? (await openConnection(plan.host, plan.trackingPort))) : undefined;
  const post = requestText('POST', `/carts/${plan.cartIds[n % plan.cartIds.length]}/items`, {
    headers: { authorization: plan.shopper },
    body: JSON.stringify({ items: [{ productId, quantity: 1 }] }),
  });
  const { status, head } = await writer.send(post);
  const answeredMs = performance.now();
  writers.push(writer);
  if (status !== 200) throw new Error(`a post was answered ${status}`);
  posted += 1;
  if (!reader) return;
  const position = /\r\nposition: ([^\r]+)/i.exec(head)![1]!;
  const get = requestText('GET', `/products/${productId}/counts`, {
    headers: { authorization: plan.business, 'consistent-with': position, prefer: 'wait=10' },
  });
  const answer = await reader.send(get);
  if (answer.status !== 200) throw new Error(`a counter was answered ${answer.status}`);
  latenciesMs.push(performance.now() - answeredMs);
  readers.push(reader);
});
for (const connection of [...writers, ...readers]) connection.close();
process.stdout.write(JSON.stringify({ posted, latenciesMs } satisfies VisibleResult));
