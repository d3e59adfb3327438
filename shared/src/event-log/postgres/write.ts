import { documentList, list, textList } from '../../postgres/list.ts';
import type { Client, Pool } from '../../postgres/pool.ts';
import type { Row, StoredAnswer } from '../fold.ts';
import type { BatchPlace, PlacedEvent } from '../place.ts';

/** The number of the first parameter after those that every table has. */
const FIRST_COLUMN = 27;

const commaBefore = (parts: readonly string[]): string => parts.map((part) => `, ${part}`).join('');

/**
 * The one statement that writes: documents, events, answers and the commit's mark, all or nothing.
 *
 * Rows are locked in one order everywhere, so that batches of several processes never deadlock: documents ascending,
 * heads ascending, then what nobody else waits for while holding a lock that we want. The heads come after the
 * documents and are held for the shortest time, since all writers of the database need them. (`UPDATE … FROM` locks in
 * any order it likes, hence the ordered `FOR UPDATE` before it.) It writes nothing, and says so, when a document is no
 * longer at its expected version.
 */
const text = (table: string, columns: readonly string[]) => `
WITH replaced_rows AS (
  SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::json[], $5::smallint[], $6::int[], $7::bigint[]
                       ${commaBefore(columns.map((_, n) => `$${FIRST_COLUMN + n}::text[]`))})
    AS r (id, expected, version, state, partition, "offset", sequence ${commaBefore(columns)})
), held AS (
  SELECT t.id FROM ${table} t JOIN replaced_rows r ON t.id = r.id AND t.version = r.expected
  ORDER BY t.id FOR UPDATE OF t
), agreed AS (
  SELECT (SELECT count(*) FROM held) = (SELECT count(*) FROM replaced_rows WHERE expected > 0) AS yes
), counts AS (
  SELECT * FROM unnest($8::smallint[], $9::int[]) AS c (partition, n)
), locked AS (
  SELECT partition FROM event_log_heads
  WHERE partition = ANY ($8::smallint[]) AND (SELECT yes FROM agreed) ORDER BY partition FOR UPDATE
), heads AS (
  UPDATE event_log_heads h SET last = h.last + c.n
  FROM counts c JOIN locked USING (partition) WHERE h.partition = c.partition
  RETURNING h.partition, h.last - c.n AS before
), placed AS (
  SELECT r.*, coalesce(h.before + r."offset", r.sequence) AS last
  FROM replaced_rows r LEFT JOIN heads h ON h.partition = r.partition AND r."offset" > 0
  WHERE (SELECT yes FROM agreed)
), created AS (
  INSERT INTO ${table} (id, version, sequence, state ${commaBefore(columns)})
  SELECT id, version, last, state ${commaBefore(columns)} FROM placed WHERE expected = 0
), updated AS (
  UPDATE ${table} t SET version = p.version, sequence = p.last, state = p.state
    ${commaBefore(columns.map((column) => `${column} = p.${column}`))}
  FROM placed p WHERE t.id = p.id AND p.expected > 0
), events AS (
  INSERT INTO event_log_events (partition, sequence, id, type, subject, key, time, traceparent, data)
  SELECT e.partition, h.before + e."offset", e.id, e.type, e.subject, e.key, e.time, e.traceparent, e.data
  FROM unnest($10::smallint[], $11::int[], $12::uuid[], $13::text[], $14::text[], $15::text[], $16::timestamptz[],
              $17::text[], $18::json[])
    AS e (partition, "offset", id, type, subject, key, time, traceparent, data)
  JOIN heads h USING (partition)
), answers AS (
  INSERT INTO idempotency_keys (scope, key, fingerprint, answer, partition, sequence)
  SELECT a.scope, a.key, a.fingerprint, a.answer, a.partition,
         nullif(coalesce(h.before + a."offset", a.sequence), 0)
  FROM unnest($19::text[], $20::text[], $21::text[], $22::json[], $23::smallint[], $24::int[], $25::bigint[])
    AS a (scope, key, fingerprint, answer, partition, "offset", sequence)
  LEFT JOIN heads h ON h.partition = a.partition AND a."offset" > 0
  WHERE (SELECT yes FROM agreed)
  ORDER BY a.scope, a.key
), mark AS (
  INSERT INTO event_log_commits (id, written, partitions, heads)
  SELECT $26::uuid, true, (SELECT array_agg(partition) FROM heads), (SELECT array_agg(before) FROM heads) FROM agreed WHERE yes
)
SELECT (SELECT yes FROM agreed) AS agreed, heads.partition, heads.before FROM (SELECT 1) one LEFT JOIN heads ON true`;

/**
 * Session settings for the pool of a store that writes. The statement always looks rows up by their keys, so its plan is
 * to be made once and for every size of table: left to itself the server plans it anew each time, which takes as long as
 * carrying it out, or keeps a plan from when the table was new, which reads all of it.
 */
export const WRITER_SETTINGS = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  jit: 'off',
};

export type Write<State> = {
  readonly rows: readonly Row<State>[];
  readonly events: readonly PlacedEvent[];
  readonly answers: readonly StoredAnswer[];
  /** Marks the transaction, so that its outcome can be looked up. */
  readonly commit: string;
};

/** Each partition's head before the write; undefined when a document was no longer as expected, and nothing is written. */
export type Written = ReadonlyMap<number, number> | undefined;

/** Columns of texts beside the state, by name, and what they hold of it. */
export type Columns<State> = Readonly<Record<string, (state: State) => string | undefined>>;

export type Writer<State> = (client: Client | Pool, write: Write<State>) => Promise<Written>;

export function createWriter<State>(table: string, columns: Columns<State> = {}): Writer<State> {
  const statement = { name: `write_${table}`, text: text(table, Object.keys(columns)) };
  return async (client, write) => {
    const { rows } = await client.query<{ agreed: boolean; partition: number | null; before: number }>({
      ...statement,
      values: [
        ...valuesOf(write),
        ...Object.values(columns).map((column) => textList(write.rows.map((row) => column(row.state)))),
      ],
    });
    if (!rows[0]?.agreed) return undefined;
    return new Map(
      rows.flatMap(({ partition, before }) => (partition === null ? [] : [[partition, before]])),
    );
  };
}

function valuesOf({ rows, events, answers, commit }: Write<unknown>): unknown[] {
  const counts = [...countByPartition(events)].sort(([a], [b]) => a - b);
  return [
    textList(rows.map((row) => row.id)),
    list(rows.map((row) => row.expected)),
    list(rows.map((row) => row.version)),
    documentList(rows.map((row) => row.state)),
    ...columnsOf(rows.map((row) => row.place)),
    list(counts.map(([partition]) => partition)),
    list(counts.map(([, n]) => n)),
    list(events.map((event) => event.partition)),
    list(events.map((event) => event.offset)),
    list(events.map((event) => event.id)),
    textList(events.map((event) => event.type)),
    textList(events.map((event) => event.subject)),
    textList(events.map((event) => event.key)),
    list(events.map((event) => event.time.toISOString())),
    textList(events.map((event) => event.traceparent)),
    documentList(events.map((event) => event.data)),
    textList(answers.map((answer) => answer.scope)),
    textList(answers.map((answer) => answer.key)),
    textList(answers.map((answer) => answer.fingerprint)),
    documentList(answers.map((answer) => answer.answer)),
    ...columnsOf(answers.map((answer) => answer.place)),
    commit,
  ];
}

const columnsOf = (places: readonly BatchPlace[]) => [
  list(places.map((place) => place.partition)),
  list(places.map((place) => place.offset)),
  list(places.map((place) => place.sequence)),
];

function countByPartition(events: readonly PlacedEvent[]): Map<number, number> {
  const counts = new Map<number, number>();
  // Offsets count up within a partition, so the last one seen is the number of events there.
  for (const { partition, offset } of events) counts.set(partition, offset);
  return counts;
}
