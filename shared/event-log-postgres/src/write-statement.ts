/**
 * The one statement that writes a batch: documents, events, answers and the commit's mark, all or nothing.
 *
 * What for: one round trip, and rows that stay locked for one statement only. It writes nothing, and says so, when a
 * document is no longer at its expected version (docs/decisions/0005-batches-without-a-transaction-block.md).
 *
 * How to take it out: run its parts as statements of their own, in their order, in one transaction; each reads what the
 * parts before it give. The locks stay in order, and the callers stay as they are.
 *
 * Which rows of bench/README.md would show it: P3, and P4 with it.
 *
 * Every writer locks rows in one order, so that batches of several processes never deadlock: documents ascending, heads
 * ascending, then rows for which no writer waits while it holds a lock that we need. All writers of the database need the
 * heads, so these come after the documents and are locked for the shortest time (docs/decisions/0002-lock-order.md).
 *
 * A row refers to its partition by `head`, the number of the partition in the ordered list of the batch's partitions, from
 * 1; it is 0 for a row that has no event in this batch. So a head is an element of an array. A join would compare every
 * event with every head.
 */

/** The text columns of the document table besides `id`, `version`, `sequence` and `state`. */
type Columns = readonly string[];

const commaBefore = (parts: readonly string[]): string => parts.map((part) => `, ${part}`).join('');

export const columnParameter = (column: string): `column_${string}` => `column_${column}`;

/** The documents to write. `expected` is the version that each must still have; 0 when it must not exist. */
const givenDocuments = (columns: Columns) => `
  SELECT * FROM unnest(:ids::text[], :expected::int[], :versions::int[], :states::json[],
                       :document_heads::int[], :document_offsets::int[], :document_sequences::bigint[]
                       ${commaBefore(columns.map((column) => `:${columnParameter(column)}::text[]`))})
    AS d (id, expected, version, state, head, "offset", sequence ${commaBefore(columns)})`;

/** Locks the documents that are as expected. UPDATE … FROM locks in any order, hence the ordered lock before it. */
const lockedDocuments = (table: string) => `
  SELECT d.* FROM ${table} t JOIN given_documents d ON t.id = d.id AND t.version = d.expected
  ORDER BY t.id FOR UPDATE OF t`;

/** Whether all documents are as expected. Every part that follows does nothing if not. */
const agreed = `
  SELECT (SELECT count(*) FROM locked_documents)
       = (SELECT count(*) FROM given_documents WHERE expected > 0) AS yes`;

/** Locks the heads of the batch's partitions. */
const lockedHeads = `
  SELECT partition FROM event_log_heads
  WHERE partition = ANY (:partitions::smallint[]) AND (SELECT yes FROM agreed) ORDER BY partition FOR UPDATE`;

/** Moves each head by as many events as its partition gets. */
const movedHeads = `
  UPDATE event_log_heads h SET last = h.last + c.n
  FROM unnest(:partitions::smallint[], :event_counts::int[]) AS c (partition, n)
  WHERE h.partition = c.partition AND (SELECT count(*) FROM locked_heads) > 0
  RETURNING h.partition, h.last - c.n AS before`;

/** The heads as they were before the batch, in two arrays that `head` is an index of. */
const heads = `
  SELECT array_agg(partition ORDER BY partition) AS partitions, array_agg(before ORDER BY partition) AS before
  FROM moved_heads`;

const createdDocuments = (table: string, columns: Columns) => `
  INSERT INTO ${table} (id, version, sequence, state ${commaBefore(columns)})
  SELECT id, version, coalesce(heads.before[head] + "offset", sequence), state ${commaBefore(columns)}
  FROM given_documents, heads WHERE expected = 0 AND (SELECT yes FROM agreed)`;

const updatedDocuments = (table: string, columns: Columns) => `
  UPDATE ${table} t SET version = d.version, sequence = coalesce(heads.before[d.head] + d."offset", d.sequence),
    state = d.state ${commaBefore(columns.map((column) => `${column} = d.${column}`))}
  FROM locked_documents d, heads WHERE t.id = d.id AND (SELECT yes FROM agreed)`;

const appendedEvents = `
  INSERT INTO event_log_events (partition, sequence, id, type, subject, key, time, traceparent, data, bytes)
  SELECT heads.partitions[e.head], heads.before[e.head] + e."offset", e.id, e.type, e.subject, e.key, e.time,
         e.traceparent, e.data, octet_length(e.data::text)
  FROM unnest(:event_heads::int[], :event_offsets::int[], :event_ids::uuid[], :event_types::text[],
              :event_subjects::text[], :event_keys::text[], :event_times::timestamptz[],
              :event_traceparents::text[], :event_data::json[])
    AS e (head, "offset", id, type, subject, key, time, traceparent, data), heads
  WHERE (SELECT yes FROM agreed)`;

/** Stores answers under their idempotency keys. A key that was used fails the statement by its primary key. */
const storedAnswers = `
  INSERT INTO idempotency_keys (scope, key, fingerprint, answer, partition, sequence)
  SELECT a.scope, a.key, a.fingerprint, a.answer, a.partition,
         nullif(coalesce(heads.before[a.head] + a."offset", a.sequence), 0)
  FROM unnest(:answer_scopes::text[], :answer_keys::text[], :answer_fingerprints::text[], :answers::json[],
              :answer_partitions::smallint[], :answer_heads::int[], :answer_offsets::int[],
              :answer_sequences::bigint[])
    AS a (scope, key, fingerprint, answer, partition, head, "offset", sequence), heads
  WHERE (SELECT yes FROM agreed)
  ORDER BY a.scope, a.key`;

/** The mark by which outcome.ts finds out whether the batch was committed. */
const commitMark = `
  INSERT INTO event_log_commits (id, written, partitions, heads)
  SELECT :commit::uuid, true, heads.partitions, heads.before FROM agreed, heads WHERE yes`;

/** Returns one row: whether the documents were as expected, and each partition's head before the batch, as a JSON array. */
export const writeStatement = (table: string, columns: Columns): string => `
WITH given_documents AS (${givenDocuments(columns)}
), locked_documents AS (${lockedDocuments(table)}
), agreed AS (${agreed}
), locked_heads AS (${lockedHeads}
), moved_heads AS (${movedHeads}
), heads AS (${heads}
), created_documents AS (${createdDocuments(table, columns)}
), updated_documents AS (${updatedDocuments(table, columns)}
), appended_events AS (${appendedEvents}
), stored_answers AS (${storedAnswers}
), commit_mark AS (${commitMark}
)
SELECT agreed.yes AS agreed, to_json(heads.before) AS before FROM agreed, heads`;
