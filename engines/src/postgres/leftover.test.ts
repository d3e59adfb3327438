import { expect, test } from '@jest/globals';
import { isServerCommand, isServerOf, parsePidFile } from './leftover.ts';

const WHOLE = '4711\n/data/postgres\n1700000000\n4032\n\n127.0.0.1\n  123 4\nready   \n';

test("reads a server's pid file", () => {
  expect(parsePidFile(WHOLE)).toEqual({ pid: 4711, ready: true });
  expect(parsePidFile(WHOLE.replace('ready   ', 'starting'))).toEqual({ pid: 4711, ready: false });
});

test('ignores a pid file that is empty, broken or names a group of processes', () => {
  for (const text of ['', 'x\n', '-1\n', '0\n', '1\n', '1.5\n']) expect(parsePidFile(text)).toBeUndefined();
});

test('recognises a server by its program and its folder', () => {
  const command = ['/opt/pg/bin/postgres', '-D', '/data/postgres', '-p', '4032'];
  expect(isServerCommand(command, '/data/postgres')).toBe(true);
  expect(isServerCommand(command, '/data')).toBe(false);
  expect(isServerCommand(['vim', '-D', '/data/postgres'], '/data/postgres')).toBe(false);
  expect(isServerCommand([''], '/data/postgres')).toBe(false);
});

test('takes no other process for a server', async () => {
  expect(await isServerOf(process.pid, '/data/postgres')).toBe(false);
});
