import { createPostgresLogReader } from '@micromart/event-log-postgres/read-only-log';
import { problem } from '@micromart/http/problem';
import { textArray } from '@micromart/postgres/binary-array';
import { isMissingOrDenied } from '@micromart/postgres/failure';
import { checkAnswers, openPool } from '@micromart/postgres/pool';
import { searchWords, searchWordsBefore } from '../search.ts';
import { createReader } from './reader.ts';
import type { Browse, CatalogReader, ProductVersion, StoredProduct } from './store.ts';

const MAX_CONNECTIONS = 8;

const NOT_YET =
  "The catalog's worker has not created the schema yet, or not granted it to this role (the worker's setting API_ROLE).";

/** Every query uses an index, however small the table still is; and none may write, whatever its role allows. */
const READER_SETTINGS = { default_transaction_read_only: 'on', enable_seqscan: 'off', jit: 'off' };

/** Covered by the primary key's index alone. */
export const VERSIONS = {
  name: 'versions',
  text: 'SELECT id, product_version AS version, withdrawn, scheduled FROM products WHERE id = ANY ($1)',
};

const PRODUCTS = {
  name: 'products',
  text: 'SELECT id, state AS product FROM products WHERE id = ANY ($1)',
};

type VersionRow = { id: string; version: number; withdrawn: boolean; scheduled: string | null };

/** Opens its first connection at its first call, so it can be opened before its database exists. */
export function openPostgresReader(url: string, onError: (error: unknown) => void): CatalogReader {
  const pool = openPool(url, {
    max: MAX_CONNECTIONS,
    name: 'catalog-service',
    settings: READER_SETTINGS,
    onIdleError: onError,
  });
  const log = createPostgresLogReader(pool, { source: '/catalog', notYet: NOT_YET });

  return createReader({
    log,

    async readVersions(ids) {
      const { rows } = await pool.query<VersionRow>({ ...VERSIONS, values: [textArray(ids)] });
      return rows.map(toVersion);
    },

    async readProducts(ids) {
      const { rows } = await pool.query<StoredProduct>({ ...PRODUCTS, values: [textArray(ids)] });
      return rows;
    },

    async browse(browse) {
      try {
        const { rows } = await pool.query<StoredProduct>(browseStatement(browse));
        return rows;
      } catch (error) {
        throw isMissingOrDenied(error) ? problem('unavailable', NOT_YET) : error;
      }
    },

    check: () => checkAnswers(pool),

    close: () => pool.end(),
  });
}

const toVersion = ({ id, version, withdrawn, scheduled }: VersionRow): ProductVersion => ({
  id,
  version,
  withdrawn,
  scheduled: scheduled === null ? undefined : new Date(scheduled),
});

/** Planned anew each time, because the search decides which index is best. */
function browseStatement({ q, category, after, limit }: Browse): { text: string; values: unknown[] } {
  const values: unknown[] = [];
  const given = (value: unknown) => `$${values.push(value)}`;
  const conditions = ['NOT withdrawn'];
  if (category !== undefined) conditions.push(`category = ${given(category)}`);
  if (after !== undefined) conditions.push(`id > ${given(after)}`);
  const most = given(limit);
  const select = (more: readonly string[]) =>
    `SELECT id, state AS product FROM products WHERE ${[...conditions, ...more].join(' AND ')} ORDER BY id LIMIT ${most}`;
  if (q === undefined) return { text: select([]), values };
  // Each part is planned by itself, because a condition with OR would use no index.
  const byWords = select([
    `${SEARCH_VERSION_OF} > 0`,
    `${WORDS} @@ ${given(prefixesOf(searchWords(q)))}::tsquery`,
  ]);
  const byWordsBefore = select([
    `${SEARCH_VERSION_OF} = 0`,
    `words @@ ${given(prefixesOf(searchWordsBefore(q)))}::tsquery`,
  ]);
  const text = `SELECT id, product FROM ((${byWords}) UNION ALL (${byWordsBefore})) found ORDER BY id LIMIT ${most}`;
  return { text, values };
}

/** As in their indexes (migrations/002_search.sql). */
const WORDS = `array_to_tsvector(string_to_array(search_words, ' '))`;
const SEARCH_VERSION_OF = 'search_version(searched_as, product_version)';

/** Words consist of letters, marks and numbers only, so they need no escaping within the quotes. */
const prefixesOf = (words: readonly string[]): string => words.map((word) => `'${word}':*`).join(' & ');
