import { describe, expect, test } from '@jest/globals';
import type { LoggedEvent } from '@micromart/events/envelope';
import { testEvent } from '../testing/source.ts';
import { divide, type Item, movesOf } from './batch-item.ts';
import { sequenceOf } from './reorder-buffer.ts';

const fault = { reason: 'not valid', attempts: 1 };
const good = (sequence: number, key: string, partition = 0): Item<LoggedEvent> => {
  const event = testEvent({ partition, sequence, key });
  return { event, parsed: event };
};
const bad = (sequence: number, key: string, partition = 0): Item<LoggedEvent> => ({
  event: testEvent({ partition, sequence, key }),
  fault,
});
const unknown = (sequence: number, key: string): Item<LoggedEvent> => ({
  event: testEvent({ partition: 0, sequence, key }),
  unknown: true,
});
const divided = (items: Item<LoggedEvent>[], blocked: string[] = []) => {
  const { apply, park } = divide(items, new Set(blocked));
  return { apply: apply.map(sequenceOf), park: park.map(({ event }) => sequenceOf(event)) };
};

describe('a batch', () => {
  test('is applied without the event at fault and the later ones of its key', () => {
    const items = [good(1, 'a'), bad(2, 'a'), good(3, 'b'), good(4, 'a'), good(5, 'b')];
    expect(divided(items)).toEqual({ apply: [1, 3, 5], park: [2, 4] });
  });

  test('is applied without keys that have parked events already', () => {
    expect(divided([good(1, 'a'), good(2, 'b')], ['0/a'])).toEqual({ apply: [2], park: [1] });
  });

  test('keeps the same key of another partition apart', () => {
    expect(divided([bad(1, 'a', 0), good(1, 'a', 1)])).toEqual({ apply: [1], park: [1] });
  });

  test('skips unknown types, also of a key that is parked', () => {
    expect(divided([unknown(1, 'a'), bad(2, 'a'), unknown(3, 'a')])).toEqual({ apply: [], park: [2] });
  });

  test('moves each partition from before its first event to its last', () => {
    expect(movesOf([good(5, 'a', 1), good(9, 'b', 0), bad(6, 'a', 1)])).toEqual([
      { partition: 1, from: 4, to: 6 },
      { partition: 0, from: 8, to: 9 },
    ]);
  });
});
