import type { Row, StoredAnswer } from '@micromart/event-log/fold';
import type { BatchPosition, PositionedEvent } from '@micromart/events/assign-positions';
import { arrayLiteral, jsonArray, textArray } from '@micromart/postgres/binary-array';
import { numberParameters } from '@micromart/postgres/named-parameters';
import type { Client, Pool } from '@micromart/postgres/pool';
import { columnParameter, writeStatement } from './write-statement.ts';

export type Write<State> = {
  readonly rows: readonly Row<State>[];
  readonly events: readonly PositionedEvent[];
  readonly answers: readonly StoredAnswer[];
  /** Marks the transaction, so that its outcome can be looked up. */
  readonly commit: string;
};

/** Each partition's head before the write; undefined when a document was no longer as expected, and nothing is written. */
export type Written = ReadonlyMap<number, number> | undefined;

/** Columns of texts beside the state, by name (`[a-z_]+`), and what they hold of it and of the document's id. */
export type Columns<State> = Readonly<Record<string, (state: State, id: string) => string | undefined>>;

/** Writes a batch by one statement; rejects with the database's error. */
export type Writer<State> = (client: Client | Pool, write: Write<State>) => Promise<Written>;

export function createWriter<State>(table: string, columns: Columns<State> = {}): Writer<State> {
  const { text, valuesOf } = numberParameters(writeStatement(table, Object.keys(columns)));
  return async (client, { rows, events, answers, commit }) => {
    const counts = countByPartition(events);
    const headOf = new Map(counts.map(({ partition }, n) => [partition, n + 1]));
    const { rows: written } = await client.query<{ agreed: boolean; before: number[] | null }>({
      name: `write_${table}`,
      text,
      values: valuesOf<unknown>({
        ...documentValues(rows, columns, headOf),
        ...headValues(counts),
        ...eventValues(events, headOf),
        ...answerValues(answers, headOf),
        commit,
      }),
    });
    const [outcome] = written;
    if (!outcome?.agreed) return undefined;
    return new Map(counts.map(({ partition }, n) => [partition, outcome.before![n]!]));
  };
}

/** The number of each partition's head in the statement, from 1. */
type HeadNumbers = ReadonlyMap<number, number>;

const documentValues = <State>(
  rows: readonly Row<State>[],
  columns: Columns<State>,
  headOf: HeadNumbers,
) => ({
  ids: textArray(rows.map(({ id }) => id)),
  expected: arrayLiteral(rows.map(({ expected }) => expected)),
  versions: arrayLiteral(rows.map(({ version }) => version)),
  states: jsonArray(rows.map(({ state }) => state)),
  document_heads: headNumbers(rows, headOf),
  document_offsets: arrayLiteral(rows.map(({ position }) => position.offset)),
  document_sequences: arrayLiteral(rows.map(({ position }) => position.sequence)),
  ...Object.fromEntries(
    Object.entries(columns).map(([name, textOf]) => [
      columnParameter(name),
      textArray(rows.map(({ state, id }) => textOf(state, id))),
    ]),
  ),
});

const headValues = (counts: readonly Count[]) => ({
  partitions: arrayLiteral(counts.map(({ partition }) => partition)),
  event_counts: arrayLiteral(counts.map(({ n }) => n)),
});

const eventValues = (events: readonly PositionedEvent[], headOf: HeadNumbers) => ({
  event_heads: arrayLiteral(events.map(({ partition }) => headOf.get(partition)!)),
  event_offsets: arrayLiteral(events.map(({ offset }) => offset)),
  event_ids: arrayLiteral(events.map(({ id }) => id)),
  event_types: textArray(events.map(({ type }) => type)),
  event_subjects: textArray(events.map(({ subject }) => subject)),
  event_keys: textArray(events.map(({ key }) => key)),
  event_times: arrayLiteral(events.map(({ time }) => time.toISOString())),
  event_traceparents: textArray(events.map(({ traceparent }) => traceparent)),
  event_data: jsonArray(events.map(({ data }) => data)),
});

const answerValues = (answers: readonly StoredAnswer[], headOf: HeadNumbers) => ({
  answer_scopes: textArray(answers.map(({ scope }) => scope)),
  answer_keys: textArray(answers.map(({ key }) => key)),
  answer_fingerprints: textArray(answers.map(({ fingerprint }) => fingerprint)),
  answers: jsonArray(answers.map(({ answer }) => answer)),
  answer_partitions: arrayLiteral(answers.map(({ position }) => position.partition)),
  answer_heads: headNumbers(answers, headOf),
  answer_offsets: arrayLiteral(answers.map(({ position }) => position.offset)),
  answer_sequences: arrayLiteral(answers.map(({ position }) => position.sequence)),
});

/** 0 for what has no event in this batch. */
const headNumbers = (all: readonly { position: BatchPosition }[], headOf: HeadNumbers): string =>
  arrayLiteral(all.map(({ position: { partition, offset } }) => (offset > 0 ? headOf.get(partition)! : 0)));

type Count = { readonly partition: number; readonly n: number };

/** How many events each partition gets, by partition, ascending. */
function countByPartition(events: readonly PositionedEvent[]): Count[] {
  const counts = new Map<number, number>();
  // Offsets count up within a partition, so the last one seen is the number of events there.
  for (const { partition, offset } of events) counts.set(partition, offset);
  return [...counts].map(([partition, n]) => ({ partition, n })).sort((a, b) => a.partition - b.partition);
}
