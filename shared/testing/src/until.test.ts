import { expect, test } from '@jest/globals';
import { until } from './until.ts';

test('resolves with the first truthy result', async () => {
  let asked = 0;
  expect(await until(() => (++asked === 3 ? `after ${asked}` : undefined))).toBe('after 3');
});

test('tries again when the condition throws', async () => {
  let asked = 0;
  const condition = async () => {
    if (++asked < 3) throw new Error('not yet');
    return asked;
  };
  expect(await until(condition)).toBe(3);
});

test('says at the cap what it waited for and what came last', async () => {
  const stock = { left: 3 };
  await expect(until(() => stock.left === 0 || undefined, { capMs: 20 })).rejects.toThrow(
    /not within 20 ms: .*stock\.left === 0[\s\S]*gave undefined/,
  );
  const broken = () => Promise.reject(new Error('refused'));
  await expect(until(broken, { capMs: 20 })).rejects.toThrow(/threw Error: refused/);
});
