import { describe, expect, test } from '@jest/globals';
import type { LoggedEvent } from '@micromart/events/envelope';
import fc from 'fast-check';
import { MAX_EVENT_BYTES } from './page.ts';
import { createRecentEvents, type RecentEvents } from './recent-events.ts';

const PARTITIONS = 2;
const LIMIT = 1_000;
const at = new Date(0);

const eventsOf = (partition: number, from: number, to: number, data: unknown = {}): LoggedEvent[] =>
  Array.from({ length: to - from + 1 }, (_, n) => ({
    specversion: '1.0',
    id: `id-${partition}-${from + n}`,
    source: '/test',
    type: 'test',
    subject: 'a',
    time: at.toISOString(),
    datacontenttype: 'application/json',
    partitionkey: 'a',
    partition,
    sequence: String(from + n),
    data,
  }));
const headsAt = (...last: number[]) => ({ log: 'test-1', at, last: new Map(last.entries()) });
const learnt = (...last: number[]): RecentEvents => {
  const tail = createRecentEvents();
  tail.setHeads(headsAt(...last), 0);
  return tail;
};
const newsOf = (tail: RecentEvents, after: number[], { limit = LIMIT, nowMs = 0 } = {}) =>
  tail.headsWithEvents(new Map(after.entries()), limit, nowMs);

describe("a log's tail", () => {
  test('gives what was appended since the heads were read, with the heads that follow from it', () => {
    const tail = learnt(5, 7);
    tail.append([...eventsOf(0, 6, 7), ...eventsOf(1, 8, 8)]);
    expect(newsOf(tail, [6, 7])).toEqual({
      ...headsAt(7, 8),
      events: [...eventsOf(0, 7, 7), ...eventsOf(1, 8, 8)],
    });
  });

  test.each([
    ['before any heads were read', createRecentEvents(), [0, 0], {}],
    ['where nothing is new', learnt(5, 7), [5, 7], {}],
    ['to who stands before its beginning', learnt(5, 7), [4, 7], {}],
    ['beyond the limit', learnt(5, 7), [5, 7], { limit: 1 }],
    ['when the heads were read too long ago', learnt(5, 7), [5, 7], { nowMs: 1_001 }],
    ['to who stands beyond what it knows of any partition', learnt(5, 7), [5, 8], {}],
    ['of a partition that it does not know', learnt(5, 7), [5, 7, 1], {}],
  ])('says nothing %s', (when, tail, after, options) => {
    if (when !== 'where nothing is new') tail.append(eventsOf(0, 6, 7));
    expect(newsOf(tail, after, options)).toBeUndefined();
  });

  test('keeps of each partition what fits into its bytes, and says nothing to who stands before that', () => {
    const tail = learnt(5, 7);
    const large = { large: 'é'.repeat(50_000) };
    tail.append([...eventsOf(0, 6, 9, large), ...eventsOf(1, 8, 40)]);
    expect(newsOf(tail, [7, 40])).toBeDefined();
    expect(newsOf(tail, [6, 40])).toBeUndefined();
    expect(newsOf(tail, [9, 7])).toBeDefined();
    // What was let go of counts no more: the small ones that follow are all kept.
    tail.append(eventsOf(0, 10, 60));
    expect(newsOf(tail, [7, 40])).toBeDefined();
    tail.append(eventsOf(0, 61, 61, { large: 'é'.repeat(MAX_EVENT_BYTES / 2) }));
    expect(newsOf(tail, [60, 40])).toBeUndefined();
    expect(newsOf(tail, [61, 39])).toMatchObject(headsAt(61, 40));
  });

  test('wants the heads to be read again long before it falls silent', () => {
    const tail = learnt(5, 7);
    expect(tail.isOld(100)).toBe(false);
    expect(tail.isOld(101)).toBe(true);
    tail.append(eventsOf(0, 6, 6));
    expect(newsOf(tail, [5, 7], { nowMs: 101 })?.events).toEqual(eventsOf(0, 6, 6));
    tail.setHeads(headsAt(6, 7), 50);
    expect(tail.isOld(101)).toBe(false);
  });

  test('does not repeat what the heads had shown already', () => {
    const tail = learnt(5, 7);
    tail.append(eventsOf(0, 5, 6));
    expect(newsOf(tail, [5, 7])?.events).toEqual(eventsOf(0, 6, 6));
  });

  test('keeps a bounded number of events', () => {
    const tail = learnt(0, 0);
    tail.append(eventsOf(0, 1, 100));
    expect(newsOf(tail, [0, 0])).toBeUndefined();
    expect(newsOf(tail, [90, 0])?.events).toEqual(eventsOf(0, 91, 100));
  });

  test('begins anew with another log', () => {
    const tail = learnt(5, 7);
    tail.append(eventsOf(0, 6, 7));
    tail.setHeads({ ...headsAt(1, 1), log: 'test-2' }, 0);
    expect(newsOf(tail, [5, 7])).toBeUndefined();
    tail.append(eventsOf(0, 2, 2));
    expect(newsOf(tail, [1, 1])).toMatchObject({ log: 'test-2', events: eventsOf(0, 2, 2) });
  });

  /**
   * The log grows by the commits of two processes, each with a tail of its own. A process is told of its own commits, in
   * any order when two end together, and reads the heads.
   */
  const step = fc.record({
    kind: fc.constantFrom('told', 'told late', 'read'),
    process: fc.nat(1),
    partition: fc.nat(PARTITIONS - 1),
    events: fc.integer({ min: 1, max: 5 }),
  });

  test('never leaves out, repeats or invents an event, nor is behind who asks, whichever of two processes appends', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 30 }),
        fc.array(fc.nat(40), { minLength: PARTITIONS, maxLength: PARTITIONS }),
        (steps, asked) => {
          const processes = [0, 1].map(() => ({ tail: createRecentEvents(), late: [] as LoggedEvent[] }));
          const last = Array.from({ length: PARTITIONS }, () => 0);
          for (const { kind, process, partition, events } of steps) {
            const { tail, late } = processes[process]!;
            if (kind === 'read') {
              tail.setHeads(headsAt(...last), 0);
              continue;
            }
            const since = last[partition]!;
            last[partition] = since + events;
            const appended = eventsOf(partition, since + 1, since + events);
            if (kind === 'told late') late.push(...appended);
            else {
              tail.append(appended);
              tail.append(late.splice(0));
            }
          }
          // Whatever somebody knows of the log, from whichever process, is in it.
          const after = asked.map((sequence, partition) => Math.min(sequence, last[partition]!));
          for (const { tail } of processes) {
            const news = newsOf(tail, after);
            if (!news) continue;
            for (let partition = 0; partition < PARTITIONS; partition += 1) {
              const head = news.last.get(partition)!;
              expect(head).toBeGreaterThanOrEqual(after[partition]!);
              expect(head).toBeLessThanOrEqual(last[partition]!);
              const own = news.events.filter((event) => event.partition === partition);
              expect(own).toEqual(eventsOf(partition, after[partition]! + 1, head));
            }
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
