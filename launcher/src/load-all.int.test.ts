import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

test('no module of a service acts when it is loaded, or keeps a process alive', async () => {
  const file = fileURLToPath(new URL('./load-all.ts', import.meta.url));
  expect(await promisify(execFile)(process.execPath, [file])).toEqual({ stdout: '', stderr: '' });
});
