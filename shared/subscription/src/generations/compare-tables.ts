/** Compares the counters of two schemas, row by row, in one transaction. */
import type { Client } from '@micromart/postgres/pool';
import type { CounterTable } from './counter-table.ts';
import type { Difference, Differences } from './differences.ts';

type Side = { readonly schema: string; readonly shape: number };

type Counted = { readonly rows: number; readonly differing: number };
type Counts = Readonly<Record<string, number>>;
type Row = { readonly key: Readonly<Record<string, string>>; readonly live: Counts; readonly other: Counts };

/**
 * A counter is compared where both sides count it from the first event on. A row that is missing counts nothing: it differs
 * only from one that counts something.
 */
export async function compareTables(
  client: Client,
  tables: readonly CounterTable[],
  live: Side,
  other: Side,
  limit: number,
): Promise<Differences> {
  const shape = Math.min(live.shape, other.shape);
  let [rows, differing] = [0, 0];
  const listed: Difference[] = [];
  const newCounters = new Set<string>();
  for (const { name, keys, counters, swept } of tables) {
    const [compared, isNew] = divide(counters, shape);
    for (const counter of compared.length > 0 ? isNew : [name]) newCounters.add(counter);
    if (swept || compared.length === 0) continue;
    const found = await compareTable(
      client,
      { name, keys, columns: compared },
      live,
      other,
      limit - listed.length,
    );
    rows += found.rows;
    differing += found.differing;
    listed.push(...found.listed.map((row) => ({ table: name, ...onlyDiffering(row) })));
  }
  const leftOut = tables.filter(({ swept }) => swept).map(({ name }) => name);
  return { rows, differing, listed, newCounters: [...newCounters], leftOut };
}

/** The counters that generations of a shape count from the first event on, and those that they do not. */
function divide(counters: CounterTable['counters'], shape: number): [string[], string[]] {
  const all = Object.entries(counters);
  return [
    all.filter(([, since]) => since <= shape).map(([column]) => column),
    all.filter(([, since]) => since > shape).map(([column]) => column),
  ];
}

async function compareTable(
  client: Client,
  { name, keys, columns }: { name: string; keys: readonly string[]; columns: readonly string[] },
  live: Side,
  other: Side,
  limit: number,
): Promise<Counted & { readonly listed: readonly Row[] }> {
  const list = (names: readonly string[], part: (name: string) => string) => names.map(part).join(', ');
  const countsOf = (side: string) => list(columns, (column) => `COALESCE(${side}.${column}, 0)`);
  const objectOf = (side: string) => list(columns, (column) => `'${column}', COALESCE(${side}.${column}, 0)`);
  const key = list(keys, (column) => column);
  const both = `"${live.schema}".${name} l FULL JOIN "${other.schema}".${name} o USING (${key})`;
  const differs = `ROW(${countsOf('l')}) IS DISTINCT FROM ROW(${countsOf('o')})`;
  // A bare name would mean a column of the answer, where one has the same name.
  const inOrder = list(keys, (column) => `COALESCE(l.${column}, o.${column})`);
  const counted = await client.query<Counted>(
    `SELECT count(*) AS rows, count(*) FILTER (WHERE ${differs}) AS differing FROM ${both}`,
  );
  const { rows, differing } = counted.rows[0]!;
  if (differing === 0 || limit === 0) return { rows, differing, listed: [] };
  const { rows: listed } = await client.query<Row>(
    `SELECT json_build_object(${list(keys, (column) => `'${column}', ${column}::text`)}) AS key,
       json_build_object(${objectOf('l')}) AS live, json_build_object(${objectOf('o')}) AS other
     FROM ${both} WHERE ${differs} ORDER BY ${inOrder} LIMIT $1`,
    [limit],
  );
  return { rows, differing, listed };
}

function onlyDiffering({ key, live, other }: Row): Omit<Difference, 'table'> {
  const columns = Object.keys(live).filter((column) => live[column] !== other[column]);
  const pick = (counts: Counts): Counts =>
    Object.fromEntries(columns.map((column) => [column, counts[column]!]));
  return { key, live: pick(live), other: pick(other) };
}
