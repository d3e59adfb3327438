import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Document } from './change-store.ts';
import { type ChangeRequest, foldBatch } from './fold.ts';

const PARTITIONS = 4;
const positioning = { partitions: PARTITIONS, newId: randomUUID };
const time = new Date(0);

type Sum = { readonly sum: number };

const add = (id: string, n: number): ChangeRequest<Sum> => ({
  id,
  decide: (document, version) => {
    if (n === 0) throw new Error('nothing to add');
    const sum = (document?.state.sum ?? 0) + n;
    const event = { type: 'added', subject: id, key: id, time, data: { n, version } };
    return { answer: { sum, version }, change: { state: { sum }, events: [event] } };
  },
});

const changes = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.integer({ min: 0, max: 9 })), {
  maxLength: 60,
});

describe('a folded batch', () => {
  test('has the same result as its changes one after the other', () => {
    fc.assert(
      fc.property(changes, (list) => {
        const alone = new Map<string, Document<Sum>>();
        for (const [id, n] of list) {
          const { rows } = foldBatch([add(id, n)], alone, positioning);
          for (const row of rows) alone.set(id, { ...row, sequence: 0 });
        }
        const { rows } = foldBatch(
          list.map(([id, n]) => add(id, n)),
          new Map(),
          positioning,
        );
        expect(new Map(rows.map(({ id, version, state }) => [id, { version, state }]))).toEqual(
          new Map([...alone].map(([id, { version, state }]) => [id, { version, state }])),
        );
      }),
    );
  });

  test('writes each document once and counts the events of each partition from 1 without a gap', () => {
    fc.assert(
      fc.property(changes, (list) => {
        const { rows, events, decided } = foldBatch(
          list.map(([id, n]) => add(id, n)),
          new Map(),
          positioning,
        );
        expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
        expect(events).toHaveLength(decided.filter((one) => !('error' in one)).length);
        for (let partition = 0; partition < PARTITIONS; partition += 1) {
          const offsets = events.filter((event) => event.partition === partition).map(({ offset }) => offset);
          expect(offsets).toEqual(offsets.map((_, n) => n + 1));
        }
      }),
    );
  });

  test('keeps only the error of a change that throws', () => {
    const { rows, events, decided } = foldBatch(
      [add('a', 1), add('a', 0), add('a', 2)],
      new Map(),
      positioning,
    );
    expect(decided[1]).toEqual({ error: new Error('nothing to add') });
    expect(rows).toMatchObject([{ id: 'a', expected: 0, version: 2, state: { sum: 3 } }]);
    expect(events.map(({ data }) => data)).toEqual([
      { n: 1, version: 1 },
      { n: 2, version: 2 },
    ]);
  });

  test('writes nothing for a change that changes nothing, and positions it at the last event of its document', () => {
    const readOnly: ChangeRequest<Sum> = { id: 'a', decide: (document) => ({ answer: document?.version }) };
    const loaded = new Map([['a', { version: 7, sequence: 42, state: { sum: 1 } }]]);
    const { rows, events, decided } = foldBatch([readOnly], loaded, positioning);
    expect({ rows, events }).toEqual({ rows: [], events: [] });
    expect(decided).toMatchObject([{ answer: 7, position: { offset: 0, sequence: 42 } }]);
  });

  test('refuses a key that another request of the batch has', () => {
    const key = { scope: 's', key: 'k', fingerprint: 'f' };
    const { decided, answers } = foldBatch(
      [
        { ...add('a', 1), key },
        { ...add('b', 1), key },
      ],
      new Map(),
      positioning,
    );
    expect(decided[1]).toMatchObject({ error: { code: 'conflict' } });
    expect(answers).toHaveLength(1);
  });
});
