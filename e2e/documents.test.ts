import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const root = fileURLToPath(new URL('..', import.meta.url));
const SKIPPED = /(^|\/)(node_modules|\.git|\.data)(\/|$)/;

const documents = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  (path) => path.endsWith('.md') && !SKIPPED.test(path),
);

const NAMED = /`([\w.-]+(?:\/[\w.-]+)+\.(?:ts|cjs|js|json|sql|yml))`/g;
const LINKED = /\]\((?!https?:|#)([^)#\s]+)/g;

/** What a document names that is not there, looked for from the root, from its own folder, and from its `src`. */
const missing = (path: string, source: string, there: (path: string) => boolean): string[] =>
  [...source.matchAll(NAMED), ...source.matchAll(LINKED)]
    .map(([, name]) => name!)
    .filter(
      (name) => !['', dirname(path), join(dirname(path), 'src')].some((from) => there(join(from, name))),
    );

test('there are documents to check', () => {
  expect(documents).toContain('ARCHITECTURE.md');
});

test.each(documents)('%s names only files that are there', (path) => {
  const source = readFileSync(join(root, path), 'utf8');
  expect(missing(path, source, (name) => existsSync(join(root, name)))).toEqual([]);
});

test('a file that is named and not there is found out', () => {
  const source = 'See `shared/src/nowhere.ts` and [this](gone.md), not [that](https://example.org).';
  expect(missing('README.md', source, () => false)).toEqual(['shared/src/nowhere.ts', 'gone.md']);
});
