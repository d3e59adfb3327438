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
const withHeads = (...last: number[]): RecentEvents => {
  const recent = createRecentEvents();
  recent.setHeads(headsAt(...last), 0);
  return recent;
};
const answerFor = (recent: RecentEvents, after: number[], { limit = LIMIT, nowMs = 0 } = {}) =>
  recent.headsWithEvents(new Map(after.entries()), limit, nowMs);

describe('the cache of recent events', () => {
  test('gives what was appended since the heads were read, with the heads that follow from it', () => {
    const recent = withHeads(5, 7);
    recent.append([...eventsOf(0, 6, 7), ...eventsOf(1, 8, 8)]);
    expect(answerFor(recent, [6, 7])).toEqual({
      ...headsAt(7, 8),
      events: [...eventsOf(0, 7, 7), ...eventsOf(1, 8, 8)],
    });
  });

  test.each([
    ['before any heads were read', createRecentEvents(), [0, 0], {}],
    ['when nothing is new', withHeads(5, 7), [5, 7], {}],
    ['to a client before its start', withHeads(5, 7), [4, 7], {}],
    ['beyond the limit', withHeads(5, 7), [5, 7], { limit: 1 }],
    ['when the heads were read too long ago', withHeads(5, 7), [5, 7], { nowMs: 1_001 }],
    ['to a client beyond its head of any partition', withHeads(5, 7), [5, 8], {}],
    ['to a client with a partition that it does not know', withHeads(5, 7), [5, 7, 1], {}],
  ])('has no answer %s', (when, recent, after, options) => {
    if (when !== 'when nothing is new') recent.append(eventsOf(0, 6, 7));
    expect(answerFor(recent, after, options)).toBeUndefined();
  });

  test('keeps in each partition what fits into its bytes, and has no answer before that', () => {
    const recent = withHeads(5, 7);
    const large = { large: 'é'.repeat(50_000) };
    recent.append([...eventsOf(0, 6, 9, large), ...eventsOf(1, 8, 40)]);
    expect(answerFor(recent, [7, 40])).toBeDefined();
    expect(answerFor(recent, [6, 40])).toBeUndefined();
    expect(answerFor(recent, [9, 7])).toBeDefined();
    // Dropped events no longer count: the small ones that follow are all kept.
    recent.append(eventsOf(0, 10, 60));
    expect(answerFor(recent, [7, 40])).toBeDefined();
    recent.append(eventsOf(0, 61, 61, { large: 'é'.repeat(MAX_EVENT_BYTES / 2) }));
    expect(answerFor(recent, [60, 40])).toBeUndefined();
    expect(answerFor(recent, [61, 39])).toMatchObject(headsAt(61, 40));
  });

  test('asks for new heads long before it stops answering', () => {
    const recent = withHeads(5, 7);
    expect(recent.isOld(100)).toBe(false);
    expect(recent.isOld(101)).toBe(true);
    recent.append(eventsOf(0, 6, 6));
    expect(answerFor(recent, [5, 7], { nowMs: 101 })?.events).toEqual(eventsOf(0, 6, 6));
    recent.setHeads(headsAt(6, 7), 50);
    expect(recent.isOld(101)).toBe(false);
  });

  test('does not repeat events at or below the heads', () => {
    const recent = withHeads(5, 7);
    recent.append(eventsOf(0, 5, 6));
    expect(answerFor(recent, [5, 7])?.events).toEqual(eventsOf(0, 6, 6));
  });

  test('keeps a bounded number of events', () => {
    const recent = withHeads(0, 0);
    recent.append(eventsOf(0, 1, 100));
    expect(answerFor(recent, [0, 0])).toBeUndefined();
    expect(answerFor(recent, [90, 0])?.events).toEqual(eventsOf(0, 91, 100));
  });

  test('starts again with another log', () => {
    const recent = withHeads(5, 7);
    recent.append(eventsOf(0, 6, 7));
    recent.setHeads({ ...headsAt(1, 1), log: 'test-2' }, 0);
    expect(answerFor(recent, [5, 7])).toBeUndefined();
    recent.append(eventsOf(0, 2, 2));
    expect(answerFor(recent, [1, 1])).toMatchObject({ log: 'test-2', events: eventsOf(0, 2, 2) });
  });

  /**
   * The log grows by the commits of two processes, each with a cache of its own. A process is notified of its own commits, in
   * any order when two end together, and reads the heads.
   */
  const step = fc.record({
    kind: fc.constantFrom('notified', 'notified late', 'read'),
    process: fc.nat(1),
    partition: fc.nat(PARTITIONS - 1),
    events: fc.integer({ min: 1, max: 5 }),
  });

  test('never skips, repeats or invents an event, nor lies behind the client, whichever of two processes appends', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 30 }),
        fc.array(fc.nat(40), { minLength: PARTITIONS, maxLength: PARTITIONS }),
        (steps, asked) => {
          const processes = [0, 1].map(() => ({ recent: createRecentEvents(), late: [] as LoggedEvent[] }));
          const last = Array.from({ length: PARTITIONS }, () => 0);
          for (const { kind, process, partition, events } of steps) {
            const { recent, late } = processes[process]!;
            if (kind === 'read') {
              recent.setHeads(headsAt(...last), 0);
              continue;
            }
            const since = last[partition]!;
            last[partition] = since + events;
            const appended = eventsOf(partition, since + 1, since + events);
            if (kind === 'notified late') late.push(...appended);
            else {
              recent.append(appended);
              recent.append(late.splice(0));
            }
          }
          // Whatever a client knows from either process is in the log.
          const after = asked.map((sequence, partition) => Math.min(sequence, last[partition]!));
          for (const { recent } of processes) {
            const answer = answerFor(recent, after);
            if (!answer) continue;
            for (let partition = 0; partition < PARTITIONS; partition += 1) {
              const head = answer.last.get(partition)!;
              expect(head).toBeGreaterThanOrEqual(after[partition]!);
              expect(head).toBeLessThanOrEqual(last[partition]!);
              const own = answer.events.filter((event) => event.partition === partition);
              expect(own).toEqual(eventsOf(partition, after[partition]! + 1, head));
            }
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
