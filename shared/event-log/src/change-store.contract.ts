/**
 * The promises of every change store as one suite (event-log.contract.ts has those of its log). An engine's test file says how
 * to open stores; differences between engines are data.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { LoggedEvent } from '@micromart/events/envelope';
import type { ChangeStore, Decide, Document } from './change-store.ts';
import type { EventLog } from './event-log.ts';
import { MAX_ATTRIBUTE_BYTES } from './loggable.ts';
import { MAX_EVENT_BYTES } from './page.ts';

export type Counter = { readonly count: number };

export type OpenStore = {
  readonly store: ChangeStore<Counter>;
  readonly log: EventLog;
  close(): Promise<void>;
};

export type EngineUnderTest = {
  /** Opens a store on the same data, as another process would. */
  openStore(): Promise<OpenStore>;
  close(): Promise<void>;
};

export type EngineTraits = {
  readonly name: string;
  /** Whether the engine fences several writers against each other. */
  readonly severalWriters: boolean;
  /** Whether the log hands the events of a commit to its listeners. */
  readonly handsOutEvents: boolean;
  /** An engine with no data. */
  start(): Promise<EngineUnderTest>;
};

type Counted = { readonly count: number; readonly version: number };

/** Counts up by n, with one event that says so. */
export const countBy =
  (n: number, id: string): Decide<Counter, Counted> =>
  (document, version) => {
    const count = (document?.state.count ?? 0) + n;
    const event = { type: 'counted', subject: id, key: id, time: new Date(), data: { n, version } };
    return { answer: { count, version }, change: { state: { count }, events: [event] } };
  };

/** Every event of a log, each partition checked for counting from 1 without a gap up to its head. */
export async function readWholeLog(log: EventLog): Promise<LoggedEvent[]> {
  const events: LoggedEvent[] = [];
  for (const [partition, head] of (await log.heads()).last) {
    const ofPartition: LoggedEvent[] = [];
    for (let after = 0; after < head; after = ofPartition.length) {
      const page = await log.page(partition, after, head + 1);
      expect(page.map(({ sequence }) => Number(sequence))).toEqual(page.map((_, n) => after + n + 1));
      expect(page).not.toEqual([]);
      ofPartition.push(...page);
    }
    expect(ofPartition).toHaveLength(head);
    events.push(...ofPartition);
  }
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  return events;
}

const ids = (n: number): string[] => Array.from({ length: n }, () => randomUUID());

const fail: Decide<Counter, never> = () => {
  throw new Error('against the rules');
};

const readOnly: Decide<Counter, Document<Counter> | undefined> = (document) => ({ answer: document });

/** How many writers, on an engine that allows several. */
const WRITERS = 3;

export function describeChangeStore(
  { name, severalWriters, start }: EngineTraits,
  startCapMs?: number,
): void {
  describe(`a change store on ${name}`, () => {
    let engine: EngineUnderTest;
    let opened: OpenStore;
    let store: ChangeStore<Counter>;

    beforeAll(async () => {
      engine = await start();
      opened = await engine.openStore();
      store = opened.store;
    }, startCapMs);

    afterAll(async () => {
      await opened?.close();
      await engine?.close();
    });

    const eventsOf = async (documents: readonly string[]) =>
      (await readWholeLog(opened.log)).filter(({ subject }) => documents.includes(subject));

    test('answers a change with the position of its last event', async () => {
      const id = randomUUID();
      const { position, answer } = await store.change(id, countBy(1, id));
      expect(answer).toEqual({ count: 1, version: 1 });
      const page = await opened.log.page(position!.partition, position!.sequence - 1, 1);
      expect(page).toMatchObject([{ subject: id, partitionkey: id, data: { n: 1, version: 1 } }]);
      expect(await store.read(id)).toEqual({ version: 1, sequence: position!.sequence, state: { count: 1 } });
    });

    test.each<[string, object]>([
      ['an empty subject', { subject: '' }],
      ['an empty key', { key: '' }],
      ['an empty type', { type: '' }],
      ['a NUL in its subject', { subject: 'a\0b' }],
      ['half a character in its key', { key: '\ud800' }],
      ['a time that is none', { time: new Date(Number.NaN) }],
      ['a key longer than a follower should store', { key: 'é'.repeat(MAX_ATTRIBUTE_BYTES / 2 + 1) }],
      ['a subject of that length', { subject: 'é'.repeat(MAX_ATTRIBUTE_BYTES / 2 + 1) }],
      ['a type of that length', { type: 'é'.repeat(MAX_ATTRIBUTE_BYTES / 2 + 1) }],
      ['no data', { data: undefined }],
      ['more data than an event may have', { data: { large: 'é'.repeat(MAX_EVENT_BYTES / 2) } }],
    ])('refuses an event with %s, and writes nothing of its change, but all others', async (_, fault) => {
      const [id, other] = ids(2) as [string, string];
      const faulty: Decide<Counter, Counted> = (document, version) => {
        const { answer, change } = countBy(1, id)(document, version);
        const [event] = change!.events;
        return { answer, change: { ...change!, events: [event!, { ...event!, ...fault }] } };
      };
      const [refused, made] = await Promise.allSettled([
        store.change(id, faulty),
        store.change(other, countBy(1, other)),
      ]);
      expect(refused).toMatchObject({
        reason: { message: expect.stringMatching(/^an event cannot be logged/) },
      });
      expect(made.status).toBe('fulfilled');
      expect(await store.read(id)).toBeUndefined();
      expect(await eventsOf([id, other])).toHaveLength(1);
    });

    test('writes nothing when nothing changes, and answers with the position of the last event', async () => {
      const id = randomUUID();
      expect(await store.change(id, readOnly)).toEqual({ answer: undefined, replayed: false });
      const { position } = await store.change(id, countBy(1, id));
      expect(await store.change(id, readOnly)).toMatchObject({ position, answer: { version: 1 } });
      expect(await eventsOf([id])).toHaveLength(1);
    });

    test('keeps a change without events, and the position of the last event', async () => {
      const id = randomUUID();
      const { position } = await store.change(id, countBy(1, id));
      const silent: Decide<Counter, null> = () => ({
        answer: null,
        change: { state: { count: 7 }, events: [] },
      });
      expect((await store.change(id, silent)).position).toEqual(position);
      expect(await store.read(id)).toMatchObject({
        version: 2,
        sequence: position!.sequence,
        state: { count: 7 },
      });
    });

    test('keeps every text as it is, in documents and events', async () => {
      const text = '"{}" \\ \' , null 🛒\n\u2028';
      const id = `${randomUUID()}/${text}`;
      const data = { text, inner: [text, null, { [text]: 'a\0b' }] };
      const change = {
        state: { count: 1, data },
        events: [{ type: text, subject: id, key: id, time: new Date(), data }],
      };
      const { position } = await store.change(id, () => ({ answer: data, change }));
      expect(await store.read(id)).toMatchObject({ state: { data } });
      expect(await opened.log.page(position!.partition, position!.sequence - 1, 1)).toMatchObject([
        { type: text, subject: id, partitionkey: id, data },
      ]);
    });

    test('keeps several events of one change in order, wherever their keys belong', async () => {
      const id = randomUUID();
      const other = randomUUID();
      const events = [id, other, id, other].map((key, n) => ({
        ...{ type: 'counted', subject: id, key, time: new Date() },
        data: { n, version: 1 },
      }));
      const { position } = await store.change(id, () => ({
        answer: null,
        change: { state: { count: 1 }, events },
      }));
      const logged = await eventsOf([id]);
      const ofKey = (key: string) =>
        logged
          .filter(({ partitionkey }) => partitionkey === key)
          .map(({ data }) => (data as { n: number }).n);
      expect([ofKey(id), ofKey(other)]).toEqual([
        [0, 2],
        [1, 3],
      ]);
      const [last] = await opened.log.page(position!.partition, position!.sequence - 1, 1);
      expect(last).toMatchObject({ partitionkey: other, data: { n: 3 } });
    });

    test('keeps time, trace context and data of an event as they were', async () => {
      const id = randomUUID();
      const time = new Date('2026-11-01T09:30:00.123Z');
      const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
      const data = {
        text: 'Éclair ☕',
        list: [1, null, { deep: [] }],
        big: 2 ** 53 - 1,
        none: null,
        half: 0.5,
      };
      const { position } = await store.change(
        id,
        () => ({
          answer: null,
          change: {
            state: { count: 1 },
            events: [{ type: 'test.counted', subject: id, key: id, time, data }],
          },
        }),
        { traceparent },
      );
      const [event] = await opened.log.page(position!.partition, position!.sequence - 1, 1);
      expect(event).toEqual({
        specversion: '1.0',
        id: expect.any(String),
        source: '/test',
        type: 'test.counted',
        subject: id,
        time: time.toISOString(),
        datacontenttype: 'application/json',
        partitionkey: id,
        partition: position!.partition,
        sequence: String(position!.sequence),
        traceparent,
        data,
      });
    });

    test('leaves the others committed when one of many fails', async () => {
      const documents = ids(64);
      const outcomes = await Promise.allSettled(
        documents.map((id, n) => store.change<unknown>(id, n === 30 ? fail : countBy(1, id))),
      );
      expect(outcomes.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []))).toEqual([30]);
      expect(await store.read(documents[30]!)).toBeUndefined();
      expect(await eventsOf(documents)).toHaveLength(63);
    });

    test('loses nothing when 64 callers change one document at once, and some of them fail', async () => {
      const id = randomUUID();
      const outcomes = await Promise.allSettled(
        Array.from({ length: 64 }, (_, n) => store.change<unknown>(id, n % 8 === 5 ? fail : countBy(1, id))),
      );
      const made = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      expect(made.map(({ answer }) => (answer as Counted).count).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 56 }, (_, n) => n + 1),
      );
      expect(new Set(made.map(({ position }) => position!.sequence)).size).toBe(56);
      expect(await store.read(id)).toMatchObject({ version: 56, state: { count: 56 } });
    });

    test('decides on the newest document, whichever of the writers changed it', async () => {
      const more = severalWriters ? WRITERS - 1 : 0;
      const others = await Promise.all(Array.from({ length: more }, () => engine.openStore()));
      const stores = [opened, ...others].map((one) => one.store);
      const documents = ids(20);
      const rounds = 10;
      await Promise.all(
        stores.flatMap((one) =>
          Array.from({ length: rounds }, () => documents.map((id) => one.change(id, countBy(1, id)))).flat(),
        ),
      );
      const read = await Promise.all(documents.map((id) => store.read(id)));
      expect(read.map((document) => document?.state.count)).toEqual(
        documents.map(() => rounds * stores.length),
      );
      const versions = Map.groupBy(await eventsOf(documents), ({ subject }) => subject);
      for (const events of versions.values()) {
        expect(events.map(({ data }) => (data as { version: number }).version)).toEqual(
          Array.from({ length: rounds * stores.length }, (_, n) => n + 1),
        );
      }
      await Promise.all(others.map((one) => one.close()));
    });
  });
}
