import { expect, test } from '@jest/globals';
import { until } from '@micromart/testing/until';
import { createKeeper } from './keeper.ts';

test('restarts what has ended, as often as necessary, and says so', async () => {
  const outcomes = [new Error('the port is taken'), undefined];
  let starts = 0;
  const printed: string[] = [];
  const keeper = createKeeper(
    async () => {
      starts += 1;
      const failure = outcomes.shift();
      if (failure) throw failure;
    },
    (line) => printed.push(line),
  );
  keeper.ended('it crashed');
  await until(() => starts === 2);
  expect(printed).toEqual([
    'it crashed; starts again in 100 ms',
    'the port is taken; starts again in 200 ms',
  ]);
  await keeper.stop();
});

test('waits for a start in progress, and starts nothing after it was stopped', async () => {
  let starts = 0;
  let finish = () => {};
  const printed: string[] = [];
  const keeper = createKeeper(
    () => {
      starts += 1;
      return new Promise((done) => {
        finish = done;
      });
    },
    (line) => printed.push(line),
  );
  keeper.ended('it crashed');
  await until(() => starts === 1);
  let stopped = false;
  const stopping = keeper.stop().then(() => {
    stopped = true;
  });
  await new Promise((done) => setImmediate(done));
  expect(stopped).toBe(false);
  finish();
  await stopping;
  keeper.ended('it was ended');
  expect([starts, printed.length]).toEqual([1, 1]);
});
