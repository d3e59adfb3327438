/**
 * The system over Kafka as users start it, `npm start -- --events kafka`: real processes, and a broker that the launcher
 * starts for them. The test reads the topic like any Kafka client.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { envelope } from '@micromart/events/envelope';
import { PARTITIONS, partitionOf } from '@micromart/events/partition';
import { formatPosition, type LogPosition, parsePosition } from '@micromart/events/position';
import { describeKafka } from '@micromart/testing/describe-kafka';
import { until } from '@micromart/testing/until';
import { type Launched, openLaunched } from './testing/launched.ts';
import { readTopic } from './testing/read-topic.ts';

const CAP_MS = 300_000;
const CART = 1;
const CATALOG = 2;
const TRACKING = 4;
const KAFKA = 92;

const CARTS = 30;
const PRODUCTS = ['tea', 'milk', '__proto__'];
/** Half of the carts are emptied again. */
const EVENTS = CARTS * PRODUCTS.length * 1.5;

/** The latest of several positions in each partition. */
function latestOf(positions: readonly string[]): string {
  const latest = new Map<number, LogPosition>();
  for (const position of positions.flatMap((text) => parsePosition(text)!)) {
    const before = latest.get(position.partition)?.sequence ?? 0;
    if (position.sequence >= before) latest.set(position.partition, position);
  }
  return formatPosition([...latest.values()]);
}

/** The sum of a metric over all of its labels. */
const sumOf = (metrics: string, name: string): number =>
  [...metrics.matchAll(new RegExp(`^${name}(?:{.*})? (.*)$`, 'gm'))].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  );

describeKafka('over Kafka', () => {
  let system: Launched;
  /** How often all the carts were filled. */
  let rounds = 0;

  beforeAll(async () => {
    system = await openLaunched();
  });

  afterAll(() => system.close());

  const sellProducts = async () => {
    const catalog = await system.client(CATALOG, 'catalog');
    const price = { amount: 399, currency: 'USD' };
    for (const id of PRODUCTS) await catalog('PUT', `/products/${id}`, { body: { name: id, price } });
    const find = () => catalog('GET', `/products?ids=${PRODUCTS.join(',')}`);
    await until(async () => (await find()).body.missing.length === 0);
  };

  /** Puts each product into each of many carts, and takes it out of half of them; resolves with the events' positions. */
  const shop = async (): Promise<string> => {
    const shopper = await system.client(CART, 'shopper');
    rounds += 1;
    const positions = await Promise.all(
      Array.from({ length: CARTS }, async (_, n) => {
        const cart = (await shopper('POST', '/carts')).body.id;
        const items = PRODUCTS.map((productId) => ({ productId, quantity: 2 }));
        const added = await shopper('POST', `/carts/${cart}/items`, { body: { items } });
        if (n % 2) return added.headers.get('position')!;
        let last = added;
        for (const productId of PRODUCTS) last = await shopper('DELETE', `/carts/${cart}/items/${productId}`);
        return last.headers.get('position')!;
      }),
    );
    return latestOf(positions);
  };

  const expectCountsAt = async (position: string) => {
    const business = await system.client(TRACKING, 'business');
    for (const productId of PRODUCTS) {
      const { status, body } = await business('GET', `/products/${productId}/counts`, {
        headers: { 'consistent-with': position, prefer: 'wait=30' },
      });
      expect({ status, ...body }).toMatchObject({
        status: 200,
        added: CARTS * rounds,
        removed: (CARTS / 2) * rounds,
        unitsAdded: 2 * CARTS * rounds,
      });
    }
  };

  const metric = async (name: string): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${system.portBase + TRACKING}/metrics`);
    const text = await response.text();
    expect(text).toContain(`# TYPE ${name} counter`);
    return sumOf(text, name);
  };

  test(
    'clicks are counted, and their events come from Kafka',
    async () => {
      await system.start('--events', 'kafka');
      await sellProducts();
      await expectCountsAt(await shop());
      expect(await metric('subscription_events_applied_total')).toBe(EVENTS);
      expect(await metric('subscription_healed_total')).toBe(0);
    },
    CAP_MS,
  );

  test(
    'any client finds the events in the topic, in order, as CloudEvents',
    async () => {
      const messages = await readTopic(`127.0.0.1:${system.portBase + KAFKA}`, 'cart-events');
      const lastOf = new Map<number, bigint>();
      for (const { partition, key, headers, value } of messages) {
        const event = envelope.parse(JSON.parse(value));
        expect(headers).toEqual({
          'content-type': 'application/cloudevents+json',
          log: expect.stringMatching(/^cart-[0-9a-f]{8}$/),
          partition: String(partition),
          sequence: event.sequence,
        });
        expect([event.partitionkey, event.partition]).toEqual([key, partition]);
        expect(partitionOf(key, PARTITIONS)).toBe(partition);
        expect(BigInt(event.sequence)).toBe((lastOf.get(partition) ?? 0n) + 1n);
        lastOf.set(partition, BigInt(event.sequence));
      }
      expect(messages).toHaveLength(EVENTS);
    },
    CAP_MS,
  );

  test(
    'the same data works over the feed, and over Kafka again, and nothing is lost or counted twice',
    async () => {
      await system.stop();
      for (const events of ['feed', 'kafka']) {
        await system.start('--events', events);
        await expectCountsAt(await shop());
        expect(await metric('subscription_events_applied_total')).toBe(EVENTS);
        await system.stop();
      }
    },
    CAP_MS,
  );
});
