import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { runDemo } from './demo.ts';
import { type FakeShop, openFakeShop } from './testing/fake-shop.ts';

const CATALOG = 'product_id,name\np1,"Milk, whole"\np2,Bread\n';

let folder: string;
let shop: FakeShop | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demo-'));
  const rows = Array.from({ length: 60 }, (_, basket) =>
    Array.from({ length: 1 + (basket % 9) }, (_, line) =>
      [basket % 7, basket, `p${(basket * 5 + line) % 11}`, 1 + ((basket + line) % 3)].join(','),
    ),
  ).flat();
  await writeFile(
    join(folder, 'baskets.csv.gz'),
    gzipSync(['shopper,basket,product,quantity', ...rows, ''].join('\n')),
  );
  await writeFile(join(folder, 'catalog.csv'), CATALOG);
});

afterEach(async () => {
  await shop?.close();
  shop = undefined;
  await rm(folder, { recursive: true });
});

async function run(url: string): Promise<{ exact: boolean; printed: string }> {
  const output = new PassThrough();
  const exact = await runDemo(
    {
      cartUrl: url,
      catalogUrl: url,
      trackingUrl: url,
      feedUrl: 'http://127.0.0.1:0',
      baskets: join(folder, 'baskets.csv.gz'),
      catalog: join(folder, 'catalog.csv'),
      seed: 3,
      concurrency: 5,
      limit: 50,
    },
    {
      sign: async ({ subject, roles }) => `${roles} ${subject}`,
      output: output as unknown as NodeJS.WriteStream,
    },
  );
  output.end();
  return { exact, printed: (await output.toArray()).join('') };
}

describe('the demo', () => {
  test('makes the catalog import its products first', async () => {
    shop = await openFakeShop();
    const { printed } = await run(shop.url);
    expect(shop.imported.map(String)).toEqual([CATALOG]);
    expect(printed).toContain('2 products written, 0 were there already.');
  });

  test('fills no cart when the import fails, and says why', async () => {
    shop = await openFakeShop({
      importEnds: { state: 'failed', error: { detail: 'the first line is no header' } },
    });
    await expect(run(shop.url)).rejects.toThrow(/has failed: the first line is no header/);
  });

  test('finds the counters exact, and shows the top products by name', async () => {
    shop = await openFakeShop();
    const { exact, printed } = await run(shop.url);
    expect(printed).toContain('50 carts');
    const [, bought, left] = /([0-9]+) carts bought, .* ([0-9]+) left/s.exec(printed) ?? [];
    expect(shop.closes()).toEqual({ bought: Number(bought), abandoned: Number(left) });
    expect(Number(bought) + Number(left)).toBe(50);
    expect(printed).toContain('Milk, whole');
    expect(printed).toContain('12 events behind');
    expect(printed).toContain('difference 0.');
    expect(exact).toBe(true);
  });

  test('is exact again when it runs a second time', async () => {
    shop = await openFakeShop();
    await run(shop.url);
    expect((await run(shop.url)).exact).toBe(true);
  });

  test('is exact even if answers are lost, limited, refused for a while or still in flight', async () => {
    shop = await openFakeShop({ faultsIn: 6 });
    const { exact, printed } = await run(shop.url);
    expect(shop.faults()).toBeGreaterThan(20);
    expect(printed).toContain('difference 0.');
    expect(exact).toBe(true);
  });

  test('says which counters are wrong if a single event is not counted', async () => {
    shop = await openFakeShop({ loses: (_, event) => event === 100 });
    const { exact, printed } = await run(shop.url);
    expect(exact).toBe(false);
    expect(printed).toMatch(/WRONG: 2 counters/);
    expect(printed).toMatch(/p\d+ +(added|removed) +sent +\d+ +counted +\d+/);
  });

  test('says how to start a system when none answers', async () => {
    shop = await openFakeShop();
    const { url } = shop;
    await shop.close();
    shop = undefined;
    await expect(run(url)).rejects.toThrow(/no system answers.*npm start/);
  });
});
