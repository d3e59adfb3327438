import {
  type BatchPosition,
  createPositioner,
  type PositionedEvent,
  type Positioning,
} from '@micromart/events/assign-positions';
import { partitionOf } from '@micromart/events/partition';
import {
  type ChangeOptions,
  type Decide,
  type Document,
  type IdempotencyKey,
  keyInFlight,
  nameOfKey,
} from './change-store.ts';
import { requireLoggable } from './loggable.ts';

/** One change of a batch. */
export type ChangeRequest<State> = ChangeOptions & {
  readonly id: string;
  readonly decide: Decide<State, unknown>;
};

/** A document to write, once, whatever the number of its changes. */
export type Row<State> = {
  readonly id: string;
  /** The version it must still have in the database; 0 when it must not exist. */
  readonly expected: number;
  readonly version: number;
  readonly state: State;
  readonly position: BatchPosition;
};

export type StoredAnswer = IdempotencyKey & { readonly answer: unknown; readonly position: BatchPosition };

export type Decided =
  | { readonly answer: unknown; readonly position: BatchPosition }
  | { readonly error: unknown };

export type FoldedBatch<State> = {
  readonly rows: readonly Row<State>[];
  readonly events: readonly PositionedEvent[];
  readonly answers: readonly StoredAnswer[];
  /** One for each request, in their order. */
  readonly decided: readonly Decided[];
};

/**
 * Decides a batch of changes, each on the result of those before it, and returns what to write: one row for each document, all
 * events in order, the answers to store. A request whose decision throws contributes only its error.
 */
export function foldBatch<State>(
  requests: readonly ChangeRequest<State>[],
  loaded: ReadonlyMap<string, Document<State>>,
  positioning: Positioning,
): FoldedBatch<State> {
  const current = new Map<string, { document: Document<State>; position: BatchPosition }>();
  const changed = new Set<string>();
  const positioned = createPositioner(positioning);
  const events: PositionedEvent[] = [];
  const answers: StoredAnswer[] = [];
  const keys = new Set<string>();

  const decided = requests.map(({ id, decide, key, traceparent }): Decided => {
    const known = current.get(id);
    const document = known?.document ?? loaded.get(id);
    const version = (document?.version ?? 0) + 1;
    let position = known?.position ?? {
      partition: partitionOf(id, positioning.partitions),
      offset: 0,
      sequence: document?.sequence ?? 0,
    };
    try {
      if (key && keys.has(nameOfKey(key))) throw keyInFlight();
      const { answer, change } = decide(document, version);
      requireLoggable(change?.events ?? []);
      for (const event of change?.events ?? []) {
        const positionedEvent = positioned(event, traceparent);
        events.push(positionedEvent);
        position = { partition: positionedEvent.partition, offset: positionedEvent.offset, sequence: 0 };
      }
      if (change) {
        current.set(id, {
          document: { version, sequence: position.sequence, state: change.state },
          position,
        });
        changed.add(id);
      }
      if (key) {
        answers.push({ ...key, answer, position });
        keys.add(nameOfKey(key));
      }
      return { answer, position };
    } catch (error) {
      return { error };
    }
  });

  const rows = [...changed].sort().map((id) => {
    const { document, position } = current.get(id)!;
    const expected = loaded.get(id)?.version ?? 0;
    return { id, expected, version: document.version, state: document.state, position };
  });
  return { rows, events, answers, decided };
}
