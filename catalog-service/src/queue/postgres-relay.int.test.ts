import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { KafkaCluster } from '@micromart/engines/kafka/cluster';
import { readMessage } from '@micromart/kafka/message';
import { openTestReader, type TestReader } from '@micromart/kafka/testing/reader';
import { parseKafkaUrl } from '@micromart/kafka/url';
import { describeKafka } from '@micromart/testing/describe-kafka';
import { freePort } from '@micromart/testing/free-port';
import { openTestKafka } from '@micromart/testing/kafka';
import { until } from '@micromart/testing/until';
import { openTestCatalog, type TestCatalog } from '../testing/catalog.ts';
import { ndjsonFeed, openTestUpstream } from '../testing/upstream.ts';

const CAP_MS = 120_000;
/** On a busy machine a broker, or a member of a group, may be slow. */
const LONG = { capMs: 60_000 };
const PRODUCTS = 40;

let catalog: TestCatalog;
beforeAll(async () => {
  catalog = await openTestCatalog();
});
afterAll(() => catalog.close());

/** Makes a worker import products, with prices from `price` on. */
async function importProducts(publish: string, price: number, whenDone: (worker: string) => Promise<void>) {
  const upstream = await openTestUpstream(ndjsonFeed(PRODUCTS, price));
  const worker = await catalog.startWorker({ allowed: [upstream.host], publish });
  try {
    const { id } = await catalog.accept({ kind: 'import', url: upstream.url });
    expect(await catalog.ended(id)).toMatchObject({ state: 'done', progress: { rows: PRODUCTS } });
    await whenDone(worker.url);
  } finally {
    await worker.close();
    await upstream.close();
  }
}

test('a worker works without the Kafka that it should publish to, and says that it is degraded', async () => {
  const broker = `127.0.0.1:${await freePort()}`;
  await importProducts(`kafka://${broker}/catalog-events`, 100, async (worker) => {
    const degraded = await until(async () => {
      const response = await fetch(`${worker}/health/ready`);
      const told = (await response.json()) as { degraded?: boolean };
      return told.degraded && told;
    });
    const detail = `no broker answers at ${broker}`;
    expect(degraded).toMatchObject({ ready: true, parts: { kafka: { ok: false, detail } } });
  });
});

describeKafka('over Kafka', () => {
  let kafka: KafkaCluster;
  let reader: TestReader | undefined;
  beforeAll(async () => {
    kafka = await openTestKafka();
  }, CAP_MS);
  afterAll(async () => {
    await reader?.close();
    await kafka?.close();
  });

  test(
    'the whole log is published, including older events',
    async () => {
      const url = `kafka://${kafka.brokers.join(',')}/catalog-events`;
      await importProducts(url, 200, async () => {
        reader = await until(() => openTestReader(parseKafkaUrl(url)), LONG);
        const { last } = await catalog.reader.log.heads();
        const heads = [...last];
        expect(heads.reduce((sum, [, head]) => sum + head, 0)).toBe(2 * PRODUCTS);
        const isRead = () => heads.every(([partition, head]) => reader!.sequences(partition).length === head);
        await until(isRead, LONG);
        const [partition, messages] = [...reader.messages][0]!;
        const [event] = await catalog.reader.log.page(partition, 0, 1);
        expect(readMessage(messages[0]!)).toEqual({ log: catalog.reader.log.name, event });
      });
    },
    CAP_MS,
  );
});
