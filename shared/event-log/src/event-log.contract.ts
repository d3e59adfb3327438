/** The promises of every event log (event-log.ts) as one suite. It writes through the change store of the same engine. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { LoggedEvent } from '@micromart/events/envelope';
import { PARTITIONS, partitionOf } from '@micromart/events/partition';
import type { LogPosition } from '@micromart/events/position';
import {
  countBy,
  type EngineTraits,
  type EngineUnderTest,
  type OpenStore,
  readWholeLog,
} from './change-store.contract.ts';
import { createHeadsLongPoll } from './heads-long-poll.ts';
import { isFullPage } from './page.ts';

const EVENTS = 200;

export function describeEventLog({ name, start, handsOutEvents }: EngineTraits, startCapMs?: number): void {
  describe(`an event log on ${name}`, () => {
    let engine: EngineUnderTest;
    let opened: OpenStore;

    beforeAll(async () => {
      engine = await start();
      opened = await engine.openStore();
    }, startCapMs);

    afterAll(async () => {
      await opened?.close();
      await engine?.close();
    });

    const append = (n: number, prefix: string = randomUUID()) =>
      Promise.all(
        Array.from({ length: n }, (_, k) =>
          opened.store.change(`${prefix}-${k}`, countBy(1, `${prefix}-${k}`)),
        ),
      );

    test('begins with every partition at 0', async () => {
      const { log } = opened;
      const { last } = await log.heads();
      expect([...last]).toEqual(Array.from({ length: PARTITIONS }, (_, partition) => [partition, 0]));
      expect(log.partitions).toBe(PARTITIONS);
      expect(await log.page(0, 0, 10)).toEqual([]);
      expect(await log.eventsAfter(last, 10)).toEqual([]);
    });

    test('is named by its family and a random suffix, and keeps the name', async () => {
      expect(opened.log.name).toMatch(/^test-[0-9a-f]{8}$/);
      const again = await engine.openStore();
      expect(again.log.name).toBe(opened.log.name);
      await again.close();
    });

    test('gives each event the partition of its key and counts densely', async () => {
      await append(EVENTS);
      const events = await readWholeLog(opened.log);
      for (const { partitionkey, partition } of events) {
        expect(partition).toBe(partitionOf(partitionkey, PARTITIONS));
      }
      expect((await opened.log.heads()).log).toBe(opened.log.name);
    });

    test('shows a change below its heads as soon as it is answered', async () => {
      const { log } = opened;
      const before = await log.heads();
      const [{ position }] = (await append(1)) as [Awaited<ReturnType<typeof append>>[number]];
      expect(before.last.get(position!.partition)).toBeLessThan(position!.sequence);
      const after = await log.heads();
      expect(after.last.get(position!.partition)).toBeGreaterThanOrEqual(position!.sequence);
      expect(after.at.getTime()).toBeGreaterThanOrEqual(before.at.getTime());
    });

    test('gives pages that meet without a gap, and nothing behind the head', async () => {
      const { log } = opened;
      await append(EVENTS);
      const whole = Map.groupBy(await readWholeLog(log), ({ partition }) => partition);
      for (const [partition, head] of (await log.heads()).last) {
        const pages = [];
        for (let after = 0; after < head; after += 7) pages.push(...(await log.page(partition, after, 7)));
        expect(pages).toEqual(whole.get(partition) ?? []);
        expect(await log.page(partition, head, 7)).toEqual([]);
        expect(await log.page(partition, head + 5, 7)).toEqual([]);
      }
    });

    test('gives the events after given sequences in order, each partition its share', async () => {
      const { log } = opened;
      const { last } = await log.heads();
      await append(EVENTS);
      const share = 2;
      const found = await log.eventsAfter(last, PARTITIONS * share);
      const byPartition = Map.groupBy(found, ({ partition }) => partition);
      for (const [partition, head] of last) {
        const page = await log.page(partition, head, share);
        expect(byPartition.get(partition) ?? []).toEqual(page);
      }
      expect(found.length).toBeLessThanOrEqual(PARTITIONS * share);
    });

    test('ends a page, and the share of a partition, with the event that fills it', async () => {
      const { log, store } = opened;
      const key = randomUUID();
      const large = 'é'.repeat(60_000);
      let position: LogPosition | undefined;
      for (let n = 0; n < 12; n += 1) {
        const event = { type: 'test.counted', subject: key, key, time: new Date(), data: { n, large } };
        const changed = await store.change(key, () => ({
          answer: null,
          change: { state: { count: n }, events: [event] },
        }));
        position ??= changed.position;
      }
      const { partition, sequence } = position!;
      const after = sequence - 1;
      const numbersOf = (events: readonly LoggedEvent[]) =>
        events.map(({ data }) => (data as { n: number }).n);
      const page = await log.page(partition, after, 1_000);
      expect(numbersOf(page)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
      expect(isFullPage(page, 1_000)).toBe(true);
      expect(isFullPage(page.slice(1), 1_000)).toBe(false);
      expect(numbersOf(await log.page(partition, after + 9, 1_000))).toEqual([9, 10, 11]);
      expect(numbersOf(await log.page(partition, after, 2))).toEqual([0, 1]);
      const { last } = await log.heads();
      const shares = await log.eventsAfter(new Map(last).set(partition, after), PARTITIONS * 12);
      expect(numbersOf(shares)).toEqual([0, 1]);
      // What others append does not change a full page.
      await append(PARTITIONS * 4);
      expect(await log.page(partition, after, 1_000)).toEqual(page);
    });

    test('calls its listeners after a commit, until they leave', async () => {
      const { log } = opened;
      const heads: Promise<number>[] = [];
      const sum = async () => [...(await log.heads()).last.values()].reduce((a, b) => a + b, 0);
      const before = await sum();
      const leave = log.onAppended(() => heads.push(sum()));
      await append(1);
      expect(await Promise.all(heads)).toEqual([before + 1]);
      leave();
      await append(1);
      expect(heads).toHaveLength(1);
    });

    test('answers in one process with nothing older than the client knows from another', async () => {
      const other = await engine.openStore();
      const processes = [opened, other].map((one) => ({ ...one, watch: createHeadsLongPoll(one.log) }));
      const known = new Map((await opened.log.heads()).last);
      const wanted = { waitMs: 0, events: EVENTS, signal: new AbortController().signal };
      const keys = Array.from({ length: 4 }, () => randomUUID());
      for (let round = 0; round < 40; round += 1) {
        // Both write, and the client alternates between them.
        const writer = processes[round % 3 === 0 ? 1 : 0]!;
        await writer.store.change(keys[round % 4]!, countBy(1, keys[round % 4]!));
        const { last } = await processes[round % 2]!.watch.moved(known, wanted);
        for (const [partition, head] of last) {
          expect(head).toBeGreaterThanOrEqual(known.get(partition)!);
          known.set(partition, head);
        }
      }
      expect(known).toEqual((await opened.log.heads()).last);
      for (const { watch } of processes) watch.close();
      await other.close();
    });

    test('calls its listeners with each event as it is in the log, or with none', async () => {
      const { log } = opened;
      const { last } = await log.heads();
      const heard: LoggedEvent[] = [];
      const leave = log.onAppended((events) => heard.push(...events));
      await append(PARTITIONS);
      leave();
      const inOrder = (events: readonly LoggedEvent[]) =>
        events.toSorted((a, b) => a.partition - b.partition || Number(a.sequence) - Number(b.sequence));
      const found = await log.eventsAfter(last, PARTITIONS * PARTITIONS);
      expect(inOrder(heard)).toEqual(handsOutEvents ? inOrder(found) : []);
    });
  });
}
