import { describe, expect, test } from '@jest/globals';
import { createReadByIds } from './read-by-ids.ts';

/** A table of `a`, `b` and `c` whose reads end when a test says so. */
function table() {
  const reads: { ids: readonly string[]; end: () => void; fail: (error: Error) => void }[] = [];
  const read = createReadByIds(async (ids) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    reads.push({ ids, end: resolve, fail: reject });
    await promise;
    return ['c', 'b', 'a'].filter((id) => ids.includes(id)).map((id) => ({ id }));
  });
  return { reads, read };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('reads by ids', () => {
  test('at the same moment are one read, and each gets its own answer in its own order', async () => {
    const { reads, read } = table();
    const answers = Promise.all([read(['a', 'b']), read(['b', 'nowhere', 'a']), read(['nowhere'])]);
    await turn();
    expect(reads.map(({ ids }) => ids)).toEqual([['a', 'b', 'b', 'nowhere', 'a', 'nowhere']]);
    reads[0]!.end();
    expect(await answers).toEqual([[{ id: 'a' }, { id: 'b' }], [{ id: 'b' }, { id: 'a' }], []]);
  });

  test('that come later never get an answer that was read before', async () => {
    const { reads, read } = table();
    const answers = [];
    for (const id of ['a', 'b', 'c', 'a']) {
      answers.push(read([id]));
      await turn();
    }
    expect(reads.map(({ ids }) => ids)).toEqual([['a'], ['b']]);
    reads[0]!.end();
    await answers[0];
    await turn();
    expect(reads.map(({ ids }) => ids)).toEqual([['a'], ['b'], ['c', 'a']]);
    for (const { end } of reads) end();
    expect(await Promise.all(answers)).toEqual([[{ id: 'a' }], [{ id: 'b' }], [{ id: 'c' }], [{ id: 'a' }]]);
  });

  test('fail together, and the next ones succeed', async () => {
    const { reads, read } = table();
    const failing = Promise.allSettled([read(['a']), read(['b'])]);
    await turn();
    reads[0]!.fail(new Error('away'));
    expect((await failing).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const again = read(['a']);
    await turn();
    reads[1]!.end();
    expect(await again).toEqual([{ id: 'a' }]);
  });
});
