import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '@micromart/testing/until';
import { createServiceToken } from './service-token.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'service-token-'));
});
afterAll(() => rm(folder, { recursive: true }));

const write = async (file: string, text: string) => {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
};

test('reads the file again after it changed', async () => {
  const file = join(folder, 'renewed');
  await write(file, 'first\n');
  const token = createServiceToken(file);
  expect(await token()).toBe('first');
  expect(await token()).toBe('first');
  await write(file, 'other');
  await until(async () => (await token()) === 'other');
});

test('names the file, and never its content, when there is no token in it', async () => {
  const file = join(folder, 'wrong');
  const token = createServiceToken(file);
  await expect(token()).rejects.toThrow(/ENOENT.*wrong.*SERVICE_TOKEN_FILE/);
  for (const content of ['', 'two words', `a\nb`, 'x'.repeat(20_000)]) {
    await write(file, content);
    const error = await token().catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ message: expect.stringMatching(/wrong.*SERVICE_TOKEN_FILE.*one token/) });
  }
});
