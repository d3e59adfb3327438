import { expect, test } from '@jest/globals';
import { readable } from './readable.ts';

test("turns a log line's level, message and error into text", () => {
  expect(readable('{"level":30,"time":1,"msg":"listening","url":"http://x"}')).toBe('info: listening');
  expect(readable('{"level":50,"msg":"failed","err":{"message":"refused","stack":"…"}}')).toBe(
    'error: failed: refused',
  );
});

test('leaves every other line unchanged', () => {
  for (const line of [
    '',
    'plain',
    '{',
    '{}',
    '{"level":99,"msg":"x"}',
    '{"level":30,"msg":7}',
    'null',
    '[1]',
  ]) {
    expect(readable(line)).toBe(line);
  }
});
