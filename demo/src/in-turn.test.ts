import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { forEachInTurn } from './in-turn.ts';

async function* stream<T>(items: readonly T[], onRead: () => void = () => {}): AsyncGenerator<T> {
  for (const item of items) {
    onRead();
    yield item;
  }
}

/** Yields a number of times, so that work ends in another order than it began. */
async function giveWay(times: number): Promise<void> {
  for (let turn = 0; turn < times; turn++) await Promise.resolve();
}

const items = fc.array(fc.record({ key: fc.integer({ min: 1, max: 5 }).map(String), turns: fc.nat(20) }));

describe('work in turn', () => {
  test('processes each item once, those of a key in order and never two at a time, within its limits', async () => {
    const limits = fc.record({
      concurrency: fc.integer({ min: 1, max: 6 }),
      lookAhead: fc.integer({ min: 1, max: 9 }),
    });
    await fc.assert(
      fc.asyncProperty(items, limits, async (list, { concurrency, lookAhead }) => {
        const working = new Set<string>();
        const ended = new Map<string, unknown[]>();
        let read = 0;
        let done = 0;
        await forEachInTurn(
          stream(list, () => read++),
          { keyOf: ({ key }) => key, concurrency, lookAhead },
          async (item) => {
            expect(working).not.toContain(item.key);
            working.add(item.key);
            expect(working.size).toBeLessThanOrEqual(concurrency);
            expect(read - done).toBeLessThanOrEqual(concurrency + lookAhead);
            await giveWay(item.turns);
            working.delete(item.key);
            done++;
            ended.set(item.key, [...(ended.get(item.key) ?? []), item]);
          },
        );
        for (const [key, of] of ended) expect(of).toEqual(list.filter((item) => item.key === key));
        expect(done).toBe(list.length);
      }),
    );
  });

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])(
    'processes what waited for a key, whenever its work ends while the source is read (%i turns)',
    async (turns) => {
      const done: string[] = [];
      const limits = { keyOf: () => 'one key', concurrency: 4, lookAhead: 6 };
      await forEachInTurn(stream(['first', 'second']), limits, async (item) => {
        await giveWay(turns);
        done.push(item);
      });
      expect(done).toEqual(['first', 'second']);
    },
  );

  test('continues with other keys while one takes long', async () => {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const order: string[] = [];
    await forEachInTurn(
      stream(['slow 1', 'slow 2', 'quick 1', 'quick 2']),
      { keyOf: (item) => item.split(' ')[0]!, concurrency: 2, lookAhead: 4 },
      async (item) => {
        if (item === 'slow 1') await released;
        order.push(item);
        if (item === 'quick 2') release();
      },
    );
    expect(order).toEqual(['quick 1', 'quick 2', 'slow 1', 'slow 2']);
  });

  test('throws the first failure once the running work has ended, and starts nothing more', async () => {
    const begun: string[] = [];
    const ended: string[] = [];
    const run = forEachInTurn(
      stream(['a', 'b', 'c', 'd', 'e']),
      { keyOf: (item) => item, concurrency: 2, lookAhead: 2 },
      async (item, signal) => {
        begun.push(item);
        if (item === 'a') throw new Error('a failed');
        while (!signal.aborted) await new Promise(setImmediate);
        ended.push(item);
      },
    );
    await expect(run).rejects.toThrow('a failed');
    expect(ended).toEqual(begun.filter((item) => item !== 'a'));
    expect(begun).not.toContain('e');
  });

  test('throws the failure of its source', async () => {
    async function* failing(): AsyncGenerator<string> {
      yield 'a';
      throw new Error('the file ended early');
    }
    const limits = { keyOf: (item: string) => item, concurrency: 2, lookAhead: 2 };
    await expect(forEachInTurn(failing(), limits, async () => {})).rejects.toThrow('the file ended early');
  });
});
