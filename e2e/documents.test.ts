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

/** The missing files that a document names, relative to the root, to its own folder, or to its `src`. */
const missing = (path: string, source: string, there: (path: string) => boolean): string[] =>
  [...source.matchAll(NAMED), ...source.matchAll(LINKED)]
    .map(([, name]) => name!)
    .filter(
      (name) => !['', dirname(path), join(dirname(path), 'src')].some((from) => there(join(from, name))),
    );

test('there are documents to check', () => {
  expect(documents).toContain('ARCHITECTURE.md');
});

test.each(documents)('%s names only files that exist', (path) => {
  const source = readFileSync(join(root, path), 'utf8');
  expect(missing(path, source, (name) => existsSync(join(root, name)))).toEqual([]);
});

test('a missing file is found', () => {
  const source = 'See `shared/src/nowhere.ts` and [this](gone.md), not [that](https://example.org).';
  expect(missing('README.md', source, () => false)).toEqual(['shared/src/nowhere.ts', 'gone.md']);
});

const BLOCK = /^```ts$([\s\S]*?)^```$/gm;
const IMPORTED = /^import (?:type )?\{([^}]*)\} from '@micromart\/([\w-]+)\/([\w./-]+)';$/gm;

/** What the examples of a document import from a package of `shared/` that its file does not export. */
const notExported = (source: string, read: (path: string) => string | undefined): string[] =>
  [...source.matchAll(BLOCK)].flatMap(([, block]) =>
    [...block!.matchAll(IMPORTED)].flatMap(([, names, name, file]) => {
      const path = `shared/${name}/src/${file}.ts`;
      const exporting = read(path);
      return names!
        .split(',')
        .map((one) =>
          one
            .trim()
            .replace(/^type /, '')
            .replace(/ as .*/, ''),
        )
        .filter((one) => one !== '' && !isExported(one, exporting))
        .map((one) => `${path} ${one}`);
    }),
  );

const isExported = (name: string, source = ''): boolean =>
  [`(async )?(function\\*?|const|class|type) ${name}\\b`, `(type )?\\{[^}]*\\b${name}\\b[^}]*\\}`].some(
    (form) => new RegExp(`^export ${form}`, 'm').test(source),
  );

test.each(documents)('the examples of %s import only names that are exported', (path) => {
  const read = (name: string) =>
    existsSync(join(root, name)) ? readFileSync(join(root, name), 'utf8') : undefined;
  expect(notExported(readFileSync(join(root, path), 'utf8'), read)).toEqual([]);
});

test('an example that imports what is not exported is found', () => {
  const source =
    "```ts\nimport { a, type B, gone } from '@micromart/text/one';\nimport { c } from '@micromart/no/two';\n```\n";
  const read = (path: string) =>
    path === 'shared/text/src/one.ts' ? 'export const a = 1;\nexport type B = 2;\n' : undefined;
  expect(notExported(source, read)).toEqual(['shared/text/src/one.ts gone', 'shared/no/src/two.ts c']);
});
