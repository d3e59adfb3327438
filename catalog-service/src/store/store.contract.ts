/**
 * What every engine of the catalog's store promises, as one suite. An engine's own test file passes a function that opens
 * new stores. Differences between engines are data (`Capabilities`), never a test that is left out.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { productContent } from '@micromart/contracts/catalog/product';
import { catalogEvent } from '@micromart/contracts/catalog-events';
import type { EventLog } from '@micromart/event-log/event-log';
import type { LoggedEvent } from '@micromart/events/envelope';
import { partitionOf } from '@micromart/events/partition';
import { decideDue, decideOrder, type ProductOrder, type Result, rewriteUnchanged } from '../product.ts';
import { SCRIPTS } from '../testing/search-names.ts';
import type { Browse, CatalogReader, CatalogWriter } from './store.ts';

export type StoreUnderTest = {
  /** Opens another writer on the same data. */
  openWriter(): Promise<CatalogWriter>;
  openReader(): Promise<CatalogReader>;
  /** Creates products as the version with other rules for words wrote them. */
  forgetSearchWords(): Promise<void>;
  /** Drops the data, after writers and readers have been closed. */
  close(): Promise<void>;
};

const NOW = new Date('2026-11-01T12:00:00Z');
const inSeconds = (seconds: number) => new Date(NOW.getTime() + seconds * 1_000);
const usd = (amount: number) => ({ amount, currency: 'USD' });

const put = (fields: object = {}): ProductOrder => ({
  kind: 'put',
  content: productContent.parse({ name: 'Bananas', price: usd(399), ...fields }),
});
const withdraw: ProductOrder = { kind: 'withdraw' };

/** Runs the suite on an engine. `open` creates an empty store each time. */
export function describeCatalogStore(engine: string, open: () => Promise<StoreUnderTest>): void {
  describe(`the catalog's store on ${engine}`, () => {
    let store: StoreUnderTest;
    let writer: CatalogWriter;
    let reader: CatalogReader;
    let jobs = 0;

    beforeAll(async () => {
      store = await open();
      writer = await store.openWriter();
      reader = await store.openReader();
    });

    afterAll(async () => {
      await reader?.close();
      await writer?.close();
      await store?.close();
    });

    const order = (id: string, what: ProductOrder, job = ++jobs, by = writer) =>
      by.products.change<Result>(id, decideOrder(by.log.name, id, what, { job, row: 1 }, NOW), {
        traceparent: TRACEPARENT,
      });

    test("stores a product and its event, and returns the event's position", async () => {
      const { answer, position } = await order('25671', put());
      const partition = partitionOf('25671', writer.log.partitions);
      expect({ answer, position }).toEqual({
        answer: 'applied',
        position: { log: writer.log.name, partition, sequence: expect.any(Number) },
      });

      expect(await reader.versions(['25671'])).toEqual([
        { id: '25671', version: 1, withdrawn: false, scheduled: undefined },
      ]);
      const [found] = await reader.products(['25671']);
      expect(found).toEqual({ id: '25671', product: (await writer.products.read('25671'))!.state });
      expect(found!.product).toMatchObject({ name: 'Bananas', price: usd(399), version: 1 });

      const [event] = await reader.log.page(partition, position!.sequence - 1, 10);
      expect(catalogEvent.parse(event)).toMatchObject({
        type: 'catalog.product-changed',
        sequence: String(position!.sequence),
        partition,
        partitionkey: '25671',
        traceparent: TRACEPARENT,
        data: { productId: '25671', version: 1 },
      });
    });

    test('stores nothing of a decision that throws', async () => {
      const before = await reader.log.heads();
      await expect(order('26093', withdraw)).rejects.toMatchObject({ code: 'not-found' });
      expect(await reader.products(['26093'])).toEqual([]);
      expect((await reader.log.heads()).last).toEqual(before.last);
    });

    test('stores a decision without an event when nothing changed', async () => {
      const first = await order('26636', put());
      const second = await order('26636', put());
      expect(second).toMatchObject({ answer: 'unchanged', position: first.position });
      expect(await order('26636', put({ price: usd(1) }), jobs)).toMatchObject({ answer: 'unchanged' });
      expect(await order('26636', put({ price: usd(1) }), jobs - 1)).toMatchObject({ answer: 'superseded' });
      expect((await reader.products(['26636']))[0]!.product.price).toEqual(usd(399));
    });

    test('returns known products in any state, in the order of the ids', async () => {
      await order('plain', put());
      await order('sold-no-more', put());
      await order('sold-no-more', withdraw);
      await order('__proto__', put({ scheduledPrice: { price: usd(1), from: '2026-11-02T00:00:00Z' } }));
      const ids = ['sold-no-more', 'nowhere', '__proto__', 'plain'];
      expect(await reader.versions(ids)).toEqual([
        { id: 'sold-no-more', version: 2, withdrawn: true, scheduled: undefined },
        { id: '__proto__', version: 1, withdrawn: false, scheduled: new Date('2026-11-02T00:00:00Z') },
        { id: 'plain', version: 1, withdrawn: false, scheduled: undefined },
      ]);
      expect((await reader.products(ids)).map(({ id }) => id)).toEqual([
        'sold-no-more',
        '__proto__',
        'plain',
      ]);
      expect([await reader.versions([]), await reader.products([])]).toEqual([[], []]);
    });

    test('answers each of many concurrent reads with its own products', async () => {
      await Promise.all(['a', 'b', 'c'].map((id) => order(id, put({ name: `Product ${id}` }))));
      const questions = Array.from({ length: 200 }, (_, n) => ['c', 'a', 'nowhere', 'b'].slice(n % 4));
      const answers = await Promise.all(
        questions.map(async (ids) => [await reader.versions(ids), await reader.products(ids)]),
      );
      answers.forEach((answer, n) => {
        const known = questions[n]!.filter((id) => id !== 'nowhere');
        expect(answer.map((rows) => rows!.map(({ id }) => id))).toEqual([known, known]);
      });
    });

    test('lists the prices that are due, the longest due first', async () => {
      const at = (seconds: number) =>
        put({ scheduledPrice: { price: usd(99), from: inSeconds(seconds).toISOString() } });
      await order('due-2', at(20));
      await order('due-1', at(10));
      await order('due-3', at(30));
      expect(await writer.due(inSeconds(9), 10)).toEqual([]);
      expect(await writer.due(inSeconds(20), 10)).toEqual(['due-1', 'due-2']);
      expect(await writer.due(inSeconds(30), 2)).toEqual(['due-1', 'due-2']);

      await writer.products.change('due-1', decideDue('due-1', inSeconds(20)));
      await order('due-2', withdraw);
      expect(await writer.due(inSeconds(30), 10)).toEqual(['due-3']);
      expect(await reader.versions(['due-1'])).toMatchObject([{ version: 2, scheduled: undefined }]);
    });

    describe('browsed', () => {
      beforeAll(async () => {
        const products: Record<string, object> = {
          'b.10': { name: 'Bread:italian / French', category: 'BREAD', brand: 'Private' },
          'b-2': { name: 'Éclair', category: 'BREAD', brand: "Baker's Own" },
          b3: { name: 'Ice - Crushed / Cubed', category: 'FRZN ICE', brand: 'National', size: '22 LB' },
          B4: { name: 'Ice cream', category: 'FRZN ICE', brand: null },
          b5: { name: 'Iced bread', category: 'BREAD', brand: 'National' },
        };
        for (const [id, fields] of Object.entries(products)) await order(id, put(fields));
        await order('b5', withdraw);
      });

      test.each<[string, Omit<Browse, 'limit'>, string[]]>([
        ['by a word of the name', { q: 'french' }, ['b.10']],
        ['by the beginning of a word', { q: 'ICE' }, ['B4', 'b3']],
        ['by several words, each somewhere', { q: 'nat crush' }, ['b3']],
        ['by a word that only the middle of one is like', { q: 'rench' }, []],
        ['by a word of the category', { q: 'frz' }, ['B4', 'b3']],
        ['by a word of the brand', { q: 'own' }, ['b-2']],
        ['by a letter that is not of ASCII', { q: 'éCL' }, ['b-2']],
        ['by an id', { q: 'b.10' }, ['b.10']],
        ['by characters that mean something to databases', { q: "':*|&!%_\\ $ (private" }, ['b.10']],
        ['by a word that is only in the size', { q: '22' }, []],
        ['by category', { category: 'BREAD' }, ['b-2', 'b.10']],
        ['by category, spelled otherwise', { category: 'bread' }, []],
        ['by category and a word', { category: 'FRZN ICE', q: 'cream' }, ['B4']],
        ['from a place on', { q: 'ice', after: 'B4' }, ['b3']],
        ['from a place that no product has', { category: 'BREAD', after: 'b-' }, ['b-2', 'b.10']],
      ])('finds products %s, ascending and without the withdrawn ones', async (_, browse, ids) => {
        expect((await reader.browse({ ...browse, limit: 100 })).map(({ id }) => id)).toEqual(ids);
      });

      test('returns no more than the limit', async () => {
        expect((await reader.browse({ category: 'BREAD', limit: 1 })).map(({ id }) => id)).toEqual(['b-2']);
        const all = (await reader.browse({ limit: 1_000 })).map(({ id }) => id);
        expect(all).toEqual([...all].sort());
        expect(all).toEqual(expect.arrayContaining(['B4', '__proto__', 'plain']));
        expect((await reader.browse({ after: all[3], limit: 2 })).map(({ id }) => id)).toEqual(
          all.slice(4, 6),
        );
      });
    });

    describe('searched', () => {
      const found = async (q: string) =>
        (await reader.browse({ q, limit: 1_000 })).map(({ id }) => id).filter((id) => id.startsWith('s-'));
      const names: Record<string, string> = {
        's-sigma': 'ΚΑΦΕΣ',
        's-marks': 'हिन्दी',
        's-subscript': 'H₂O water',
        's-decomposed': 'Cafe\u0301 crème',
        's-dotted': 'İstanbul',
        's-sharp': 'Straße',
        's-long': 'ﷺ'.repeat(300),
        ...Object.fromEntries(
          SCRIPTS.map(([script, name]) => [`s-${script.replace(/[^A-Za-z]/g, '')}`, name]),
        ),
      };

      beforeAll(async () => {
        for (const [id, name] of Object.entries(names)) await order(id, put({ name }));
      });

      test('finds each product by its own name, in capitals and small letters, composed and decomposed', async () => {
        for (const [id, name] of Object.entries(names)) {
          const queries = [name, name.toUpperCase(), name.toLowerCase()].flatMap((query) => [
            query,
            query.normalize('NFC'),
            query.normalize('NFD'),
          ]);
          for (const query of new Set(queries))
            expect([query, await found(query)]).toEqual([query, expect.arrayContaining([id])]);
        }
      });

      test.each([
        ['καφεσ', ['s-sigma']],
        ['हिन', ['s-Devanagari', 's-marks']],
        ['h2', ['s-subscript']],
        ['CAFÉ', ['s-decomposed']],
        ['strass', ['s-sharp']],
        ['i\u0307stan', ['s-dotted']],
        ['ह', ['s-Devanagari', 's-marks']],
        ['न्दी', []],
      ])('finds by %s the products with a word that begins with it', async (q, ids) => {
        expect(await found(q)).toEqual(ids);
      });

      test("finds products of the version before by its rules, and by today's once their words are rewritten", async () => {
        await store.forgetSearchWords();
        expect(await found('water')).toEqual(['s-subscript']);
        expect(await found('h2o')).toEqual([]);
        await order('s-new', put({ name: 'H₂O bottle' }));
        expect(await found('h2o')).toEqual(['s-new']);

        const { last } = await reader.log.heads();
        const outdated = await writer.outdatedSearch(10);
        expect(outdated).toHaveLength(10);
        expect(outdated).not.toContain('s-new');
        const before = await reader.versions(outdated);
        for (let left = outdated; left.length > 0; left = await writer.outdatedSearch(10)) {
          await Promise.all(left.map((id) => writer.products.change(id, rewriteUnchanged)));
        }
        expect(await found('h2o')).toEqual(['s-new', 's-subscript']);
        expect(await found('ΚΑΦΕΣ')).toEqual(['s-sigma']);
        expect(await reader.versions(outdated)).toEqual(before);
        expect((await reader.log.heads()).last).toEqual(last);
      });
    });

    test('reads what was written: the same log, the same heads, the same events', async () => {
      expect(reader.log.name).toBe(writer.log.name);
      expect(reader.log.partitions).toBe(writer.log.partitions);
      const { last, log } = await reader.log.heads();
      expect({ last, log }).toMatchObject({ last: (await writer.log.heads()).last, log: writer.log.name });
      const start = new Map([...last.keys()].map((partition) => [partition, 0]));
      expect(await reader.log.eventsAfter(start, 1_000)).toEqual(await writer.log.eventsAfter(start, 1_000));
      for (const partition of last.keys()) {
        expect(await reader.log.page(partition, 0, 1_000)).toEqual(
          await writer.log.page(partition, 0, 1_000),
        );
      }
    });

    test('says that it is ready', async () => {
      expect(await reader.check()).toEqual({ ok: true });
      expect(await writer.check()).toEqual({ ok: true });
    });
  });

  describe(`writers of the catalog on ${engine}`, () => {
    let store: StoreUnderTest;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store?.close());

    /** One writer if the engine does not fence writers against each other. */
    const WRITERS = 4;
    const PRODUCTS = 25;
    const JOBS = 12;

    test('execute the same jobs in different orders at once: the last job wins, and every version has its event', async () => {
      const first = await store.openWriter();
      const more = first.capabilities.atomicCompareAndSet ? WRITERS - 1 : 0;
      const writers = [first, ...(await Promise.all(Array.from({ length: more }, () => store.openWriter())))];
      const ids = Array.from({ length: PRODUCTS }, (_, n) => `p${n}`);
      const run = (by: CatalogWriter, turn: number) =>
        ids.flatMap((id, n) =>
          Array.from({ length: JOBS }, (_, k) => {
            const job = ((k * 5 + turn * 7 + n) % JOBS) + 1;
            const what = put({ price: usd(job) });
            return by.products.change<Result>(
              id,
              decideOrder(by.log.name, id, what, { job, row: n + 1 }, NOW),
            );
          }),
        );
      await Promise.all(writers.flatMap(run));

      const reader = await store.openReader();
      const found = await reader.products(ids);
      expect(found.map(({ product }) => product.price.amount)).toEqual(ids.map(() => JOBS));

      const events = await wholeLog(reader.log);
      for (const { id, product } of found) {
        const versions = events
          .filter(({ subject }) => subject === id)
          .map(({ data }) => (data as { version: number }).version);
        expect(versions).toEqual(Array.from({ length: product.version }, (_, n) => n + 1));
      }
      expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
      await Promise.all([reader, ...writers].map((one) => one.close()));
    });

    test('find everything again', async () => {
      const writer = await store.openWriter();
      const before = { log: writer.log.name, events: await wholeLog(writer.log) };
      await writer.close();
      const again = await store.openWriter();
      expect({ log: again.log.name, events: await wholeLog(again.log) }).toEqual(before);
      expect((await again.products.read('p0'))!.state.price).toEqual(usd(JOBS));
      await again.close();
    });

    test('finish changes in flight before they close', async () => {
      const writer = await store.openWriter();
      const changes = Array.from({ length: 50 }, (_, n) =>
        writer.products.change(
          `q${n}`,
          decideOrder(writer.log.name, `q${n}`, put(), { job: 99, row: n + 1 }, NOW),
        ),
      );
      await writer.close();
      expect((await Promise.all(changes)).map(({ answer }) => answer)).toEqual(changes.map(() => 'applied'));
    });
  });
}

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const PAGE = 100;

/** All events of a log; checks that each partition is dense from 1 and ends at its head. */
async function wholeLog(log: EventLog): Promise<LoggedEvent[]> {
  const all: LoggedEvent[] = [];
  for (const [partition, last] of (await log.heads()).last) {
    const events: LoggedEvent[] = [];
    while (events.length < last) {
      const page = await log.page(partition, events.length, PAGE);
      expect(page.length).toBeGreaterThan(0);
      events.push(...page);
    }
    expect(events.map(({ sequence }) => Number(sequence))).toEqual(events.map((_, n) => n + 1));
    all.push(...events);
  }
  return all;
}
