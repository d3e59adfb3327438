import { expect, test } from '@jest/globals';
import type { LoggedEvent } from '@micromart/events/envelope';
import { testEvent } from '@micromart/subscription/testing/source';
import type { EventLog } from './event-log.ts';
import { createHeadsLongPoll } from './heads-long-poll.ts';

const NEVER = new AbortController().signal;
const FOR_LONG = { waitMs: 60_000, events: 100, signal: NEVER };

/** A database's log of two partitions, and the processes that write it. */
function createDatabase() {
  const events: LoggedEvent[][] = [[], []];
  let reads = 0;
  const openProcess = () => {
    const listeners = new Set<(events: readonly LoggedEvent[]) => void>();
    const log: EventLog = {
      name: 'test-1',
      partitions: 2,
      async heads() {
        reads += 1;
        return { log: 'test-1', at: new Date(), last: new Map(events.map((list, n) => [n, list.length])) };
      },
      eventsAfter: async (after) => [...after].flatMap(([n, from]) => events[n]!.slice(from)),
      page: async (partition, after) => events[partition]!.slice(after),
      onAppended(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    return {
      watch: createHeadsLongPoll(log),
      append(partition: number) {
        const event = testEvent({ partition, sequence: events[partition]!.length + 1 });
        events[partition]!.push(event);
        for (const listener of listeners) listener([event]);
      },
    };
  };
  return { openProcess, events, reads: () => reads };
}

const at = (...last: number[]) => new Map(last.entries());

test('asks the database when the client knows more than this process, although this process has new events', async () => {
  const database = createDatabase();
  const [one, other] = [database.openProcess(), database.openProcess()];
  await one.watch.moved(at(0, 0), { ...FOR_LONG, waitMs: 0 });
  other.append(1);
  one.append(0);
  const answer = await one.watch.moved(at(0, 1), FOR_LONG);
  expect([...answer.last.values()]).toEqual([1, 1]);
  expect(answer.events).toEqual(database.events[0]);
  one.watch.close();
  other.watch.close();
});

test('answers from memory, without a query, a client that knows no more than this process', async () => {
  const database = createDatabase();
  const process = database.openProcess();
  await process.watch.moved(at(0, 0), { ...FOR_LONG, waitMs: 0 });
  const before = database.reads();
  process.append(0);
  expect((await process.watch.moved(at(0, 0), FOR_LONG)).events).toHaveLength(1);
  expect(database.reads()).toBe(before);
  process.watch.close();
});

test('answers at once when the log ends before what the client knows', async () => {
  const { watch } = createDatabase().openProcess();
  const { last } = await watch.moved(at(0, 5), FOR_LONG);
  expect([...last.values()]).toEqual([0, 0]);
  watch.close();
});
