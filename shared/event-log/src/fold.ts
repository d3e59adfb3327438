import { partitionOf } from '@micromart/events/partition';
import { type BatchPlace, createPlacer, type PlacedEvent, type Placing } from '@micromart/events/place';
import {
  type ChangeOptions,
  type Decide,
  type Document,
  type IdempotencyKey,
  keyInFlight,
  nameOfKey,
} from './change-store.ts';
import { requireLoggable } from './loggable.ts';

/** One change that waits to be carried out with others. */
export type ChangeRequest<State> = ChangeOptions & {
  readonly id: string;
  readonly decide: Decide<State, unknown>;
};

/** A document to write, once, whatever number of changes it went through. */
export type Row<State> = {
  readonly id: string;
  /** The version it must still have in the database; 0 when it must not exist. */
  readonly expected: number;
  readonly version: number;
  readonly state: State;
  readonly place: BatchPlace;
};

export type StoredAnswer = IdempotencyKey & { readonly answer: unknown; readonly place: BatchPlace };

export type Decided = { readonly answer: unknown; readonly place: BatchPlace } | { readonly error: unknown };

export type FoldedBatch<State> = {
  readonly rows: readonly Row<State>[];
  readonly events: readonly PlacedEvent[];
  readonly answers: readonly StoredAnswer[];
  /** One for each request, in their order. */
  readonly decided: readonly Decided[];
};

/**
 * Decides a batch of changes, each upon the result of the ones before it, and says what to write: one row for each
 * document, all events in order, the answers to keep. A request whose decision throws leaves no trace but its error.
 */
export function foldBatch<State>(
  requests: readonly ChangeRequest<State>[],
  loaded: ReadonlyMap<string, Document<State>>,
  placing: Placing,
): FoldedBatch<State> {
  const current = new Map<string, { document: Document<State>; place: BatchPlace }>();
  const changed = new Set<string>();
  const placeOf = createPlacer(placing);
  const events: PlacedEvent[] = [];
  const answers: StoredAnswer[] = [];
  const keys = new Set<string>();

  const decided = requests.map(({ id, decide, key, traceparent }): Decided => {
    const known = current.get(id);
    const document = known?.document ?? loaded.get(id);
    const version = (document?.version ?? 0) + 1;
    let place = known?.place ?? {
      partition: partitionOf(id, placing.partitions),
      offset: 0,
      sequence: document?.sequence ?? 0,
    };
    try {
      if (key && keys.has(nameOfKey(key))) throw keyInFlight();
      const { answer, change } = decide(document, version);
      requireLoggable(change?.events ?? []);
      for (const event of change?.events ?? []) {
        const placed = placeOf(event, traceparent);
        events.push(placed);
        place = { partition: placed.partition, offset: placed.offset, sequence: 0 };
      }
      if (change) {
        current.set(id, { document: { version, sequence: place.sequence, state: change.state }, place });
        changed.add(id);
      }
      if (key) {
        answers.push({ ...key, answer, place });
        keys.add(nameOfKey(key));
      }
      return { answer, place };
    } catch (error) {
      return { error };
    }
  });

  const rows = [...changed].sort().map((id) => {
    const { document, place } = current.get(id)!;
    const expected = loaded.get(id)?.version ?? 0;
    return { id, expected, version: document.version, state: document.state, place };
  });
  return { rows, events, answers, decided };
}
