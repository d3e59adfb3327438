import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { readTree } from '../architecture/read-tree.ts';
import { isForTests } from '../architecture/tree.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

test('each rule that the doors are told of is a message of a service', async () => {
  const source = await readFile(new URL('beyond_schemas.py', import.meta.url), 'utf8');
  const rules = [...source.matchAll(/^ {4}"(must .*)",$/gm)].map(([, text]) => text!);
  expect(rules).not.toEqual([]);
  const { files } = await readTree(ROOT);
  const said = files.filter(({ path }) => !isForTests(path)).map(({ code }) => code);
  expect(rules.filter((rule) => !said.some((code) => code.includes(rule)))).toEqual([]);
});
