import type { Row, StoredAnswer } from '@micromart/event-log/fold';
import type { BatchPosition, PositionedEvent } from '@micromart/events/assign-positions';
import { arrayLiteral, jsonArray, textArray } from '@micromart/postgres/binary-array';
import type { Client, Pool } from '@micromart/postgres/pool';

/** The number of the first parameter after those that every table has. */
const FIRST_COLUMN = 28;

const commaBefore = (parts: readonly string[]): string => parts.map((part) => `, ${part}`).join('');

/**
 * The one statement that writes: documents, events, answers and the commit's mark, all or nothing.
 *
 * Rows are locked in one order everywhere, so that batches of several processes never deadlock: documents ascending,
 * heads ascending, then what nobody else waits for while holding a lock that we want. The heads come after the
 * documents and are held for the shortest time, since all writers of the database need them. (`UPDATE … FROM` locks in
 * any order it likes, hence the ordered `FOR UPDATE` before it.) It writes nothing, and says so, when a document is no
 * longer at its expected version.
 *
 * What refers to a partition of this batch does so by its number in the ordered list of them (`head`, from 1; 0 where it
 * has no event in the batch), so that its head is an element of an array: joined with the heads, every event was held
 * against each of them, which took 6 % of the database's time.
 */
const text = (table: string, columns: readonly string[]) => `
WITH replaced_rows AS (
  SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::json[], $5::int[], $6::int[], $7::bigint[]
                       ${commaBefore(columns.map((_, n) => `$${FIRST_COLUMN + n}::text[]`))})
    AS r (id, expected, version, state, head, "offset", sequence ${commaBefore(columns)})
), held AS (
  SELECT r.* FROM ${table} t JOIN replaced_rows r ON t.id = r.id AND t.version = r.expected
  ORDER BY t.id FOR UPDATE OF t
), agreed AS (
  SELECT (SELECT count(*) FROM held) = (SELECT count(*) FROM replaced_rows WHERE expected > 0) AS yes
), locked AS (
  SELECT partition FROM event_log_heads
  WHERE partition = ANY ($8::smallint[]) AND (SELECT yes FROM agreed) ORDER BY partition FOR UPDATE
), moved AS (
  UPDATE event_log_heads h SET last = h.last + c.n
  FROM unnest($8::smallint[], $9::int[]) AS c (partition, n)
  WHERE h.partition = c.partition AND (SELECT count(*) FROM locked) > 0
  RETURNING h.partition, h.last - c.n AS before
), heads AS (
  SELECT array_agg(partition ORDER BY partition) AS partitions, array_agg(before ORDER BY partition) AS before FROM moved
), created AS (
  INSERT INTO ${table} (id, version, sequence, state ${commaBefore(columns)})
  SELECT id, version, coalesce(heads.before[head] + "offset", sequence), state ${commaBefore(columns)}
  FROM replaced_rows, heads WHERE expected = 0 AND (SELECT yes FROM agreed)
), updated AS (
  UPDATE ${table} t SET version = r.version, sequence = coalesce(heads.before[r.head] + r."offset", r.sequence),
    state = r.state ${commaBefore(columns.map((column) => `${column} = r.${column}`))}
  FROM held r, heads WHERE t.id = r.id AND (SELECT yes FROM agreed)
), events AS (
  INSERT INTO event_log_events (partition, sequence, id, type, subject, key, time, traceparent, data)
  SELECT heads.partitions[e.head], heads.before[e.head] + e."offset", e.id, e.type, e.subject, e.key, e.time,
         e.traceparent, e.data
  FROM unnest($10::int[], $11::int[], $12::uuid[], $13::text[], $14::text[], $15::text[], $16::timestamptz[],
              $17::text[], $18::json[])
    AS e (head, "offset", id, type, subject, key, time, traceparent, data), heads
  WHERE (SELECT yes FROM agreed)
), answers AS (
  INSERT INTO idempotency_keys (scope, key, fingerprint, answer, partition, sequence)
  SELECT a.scope, a.key, a.fingerprint, a.answer, a.partition,
         nullif(coalesce(heads.before[a.head] + a."offset", a.sequence), 0)
  FROM unnest($19::text[], $20::text[], $21::text[], $22::json[], $23::smallint[], $24::int[], $25::int[], $26::bigint[])
    AS a (scope, key, fingerprint, answer, partition, head, "offset", sequence), heads
  WHERE (SELECT yes FROM agreed)
  ORDER BY a.scope, a.key
), mark AS (
  INSERT INTO event_log_commits (id, written, partitions, heads)
  SELECT $27::uuid, true, heads.partitions, heads.before FROM agreed, heads WHERE yes
)
SELECT agreed.yes AS agreed, to_json(heads.before) AS before FROM agreed, heads`;

/**
 * Session settings for the pool of a store that writes. The statement always looks rows up by their keys, so its plan is
 * to be made once and for every size of table: left to itself the server plans it anew each time, which takes as long as
 * carrying it out, or keeps a plan from when the table was new, which reads all of it.
 *
 * No statement runs without end, so that what somebody else holds keeps no connection for ever: the server ends it a little
 * after a batch has failed by its own time (batcher.ts). A process that freezes in the middle of a transaction would keep
 * all others from writing; so the server ends one that stands idle.
 */
export const WRITER_SETTINGS = {
  statement_timeout: '12s',
  idle_in_transaction_session_timeout: '5s',
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  jit: 'off',
};

export type Write<State> = {
  readonly rows: readonly Row<State>[];
  readonly events: readonly PositionedEvent[];
  readonly answers: readonly StoredAnswer[];
  /** Marks the transaction, so that its outcome can be looked up. */
  readonly commit: string;
};

/** Each partition's head before the write; undefined when a document was no longer as expected, and nothing is written. */
export type Written = ReadonlyMap<number, number> | undefined;

/** Columns of texts beside the state, by name, and what they hold of it and of the document's id. */
export type Columns<State> = Readonly<Record<string, (state: State, id: string) => string | undefined>>;

export type Writer<State> = (client: Client | Pool, write: Write<State>) => Promise<Written>;

export function createWriter<State>(table: string, columns: Columns<State> = {}): Writer<State> {
  const statement = { name: `write_${table}`, text: text(table, Object.keys(columns)) };
  return async (client, write) => {
    const counts = countByPartition(write.events);
    const { rows } = await client.query<{ agreed: boolean; before: number[] | null }>({
      ...statement,
      values: [
        ...valuesOf(write, counts),
        ...Object.values(columns).map((column) =>
          textArray(write.rows.map((row) => column(row.state, row.id))),
        ),
      ],
    });
    const [written] = rows;
    if (!written?.agreed) return undefined;
    return new Map(counts.map(({ partition }, n) => [partition, written.before![n]!]));
  };
}

type Count = { readonly partition: number; readonly n: number };

function valuesOf({ rows, events, answers, commit }: Write<unknown>, counts: readonly Count[]): unknown[] {
  const headOf = new Map(counts.map(({ partition }, n) => [partition, n + 1]));
  const batchPositions = (positions: readonly BatchPosition[]) => [
    arrayLiteral(positions.map(({ partition, offset }) => (offset > 0 ? headOf.get(partition)! : 0))),
    arrayLiteral(positions.map(({ offset }) => offset)),
    arrayLiteral(positions.map(({ sequence }) => sequence)),
  ];
  return [
    textArray(rows.map((row) => row.id)),
    arrayLiteral(rows.map((row) => row.expected)),
    arrayLiteral(rows.map((row) => row.version)),
    jsonArray(rows.map((row) => row.state)),
    ...batchPositions(rows.map((row) => row.position)),
    arrayLiteral(counts.map(({ partition }) => partition)),
    arrayLiteral(counts.map(({ n }) => n)),
    arrayLiteral(events.map((event) => headOf.get(event.partition)!)),
    arrayLiteral(events.map((event) => event.offset)),
    arrayLiteral(events.map((event) => event.id)),
    textArray(events.map((event) => event.type)),
    textArray(events.map((event) => event.subject)),
    textArray(events.map((event) => event.key)),
    arrayLiteral(events.map((event) => event.time.toISOString())),
    textArray(events.map((event) => event.traceparent)),
    jsonArray(events.map((event) => event.data)),
    textArray(answers.map((answer) => answer.scope)),
    textArray(answers.map((answer) => answer.key)),
    textArray(answers.map((answer) => answer.fingerprint)),
    jsonArray(answers.map((answer) => answer.answer)),
    arrayLiteral(answers.map((answer) => answer.position.partition)),
    ...batchPositions(answers.map((answer) => answer.position)),
    commit,
  ];
}

/** How many events each partition gets, by partition, ascending. */
function countByPartition(events: readonly PositionedEvent[]): Count[] {
  const counts = new Map<number, number>();
  // Offsets count up within a partition, so the last one seen is the number of events there.
  for (const { partition, offset } of events) counts.set(partition, offset);
  return [...counts].map(([partition, n]) => ({ partition, n })).sort((a, b) => a.partition - b.partition);
}
