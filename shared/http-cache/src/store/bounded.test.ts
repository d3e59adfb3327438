import { expect, test } from '@jest/globals';
import type { Send } from '@micromart/http/client/send';
import { CACHE_LIMITS, createCachingClient } from '../caching-client.ts';
import { silentMeter } from '../testing/origin.ts';

const ADDRESSES = 20_000;
const AT_ONCE = 500;
const limits = { ...CACHE_LIMITS, maxEntries: 1_000, maxBytes: 2_000_000 };

/** An origin without a network: every address has a storable answer, of one kilobyte or of ten. */
const send: Send = async ({ url }) => ({
  status: 200,
  headers: { 'cache-control': 'max-age=3600', etag: '"a"' },
  body: Buffer.alloc(url.endsWith('0') ? 10_000 : 1_000, 'x'),
  framed: true,
});

test('any number of addresses stays within the limits of the memory', async () => {
  let evicted = 0;
  const meter = { ...silentMeter, evicted: () => (evicted += 1) };
  const client = createCachingClient({ name: 'test', send, meter, limits });
  for (let first = 0; first < ADDRESSES; first += AT_ONCE) {
    const asked = Array.from({ length: AT_ONCE }, (_, n) => `http://origin.test/products/${first + n}`);
    await Promise.all(asked.map((url) => client.get(url)));
    expect(client.memory.entries).toBeLessThanOrEqual(limits.maxEntries);
    expect(client.memory.bytes).toBeLessThanOrEqual(limits.maxBytes);
  }
  expect(evicted + client.memory.entries).toBe(ADDRESSES);
});
