import { expect, test } from '@jest/globals';
import { createOutput } from './output.ts';

const print = (colours: boolean) => {
  let printed = '';
  const write = (text: string) => {
    printed += text;
  };
  return { output: createOutput(['cart', 'tracking'], { write, colours }), printed: () => printed };
};

test('puts the name before each line, in one column', () => {
  const { output, printed } = print(false);
  output.line('cart', 'ready');
  output.line('tracking', 'ready');
  output.text('all');
  expect(printed()).toBe('cart      ready\ntracking  ready\nall');
});

test('gives each name a colour of its own on a terminal', () => {
  const { output, printed } = print(true);
  output.line('cart', 'ready');
  output.line('tracking', 'ready');
  expect(printed().split('\n').slice(0, 2)).toEqual([
    '\u001b[36mcart    \u001b[0m  ready',
    '\u001b[33mtracking\u001b[0m  ready',
  ]);
});

test('cuts off an endless line', () => {
  const { output, printed } = print(false);
  output.line('cart', 'x'.repeat(100_000));
  expect(printed().length).toBeLessThan(10_100);
});
