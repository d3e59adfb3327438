/**
 * A store of documents whose every change leaves an event. Its one verb for writing is `change(id, decide)`: load, pure
 * decision, save and append in one transaction. There is no `save`, so state without its events cannot be written.
 *
 * - `decide` sees the newest document and returns what to write. It is pure and may run several times: concurrent changes
 *   are executed together (group commit), and a decision is taken again if its document changed meanwhile.
 * - If `decide` throws, nothing of its change is written, and the error reaches its caller alone.
 * - Concurrent changes of one document are decided one after the other, each on the result of the last, so no update is lost.
 * - With an idempotency key, the answer is written in the same transaction. The same key later gets the same answer and
 *   position, whichever process is asked.
 * - When the connection dies during the commit, the store establishes the outcome before it repeats anything. If it cannot
 *   do so in time, the change fails with the error of the unavailable database, and may have happened.
 * - A change that does not end in time fails in the same way, whatever holds it up.
 * - Ids and keys must be texts that the database stores unchanged. The store refuses others, because a changed id or key could
 *   become another one's.
 */
import type { NewEvent } from '@micromart/events/envelope';
import type { LogPosition } from '@micromart/events/position';
import { problem } from '@micromart/http/problem';
import { isStorable } from '@micromart/text/storable';

export type Document<State> = {
  /** 1 when created, one more with each change. */
  readonly version: number;
  /** The sequence of its last event in its partition; 0 while it has none. */
  readonly sequence: number;
  readonly state: State;
};

export type Decision<State, Answer> = {
  readonly answer: Answer;
  /** Absent when nothing changes: then nothing is written, and the version stays. */
  readonly change?: { readonly state: State; readonly events: readonly NewEvent[] };
};

/** `document` is undefined when there is none. `version` is the one that it will have if the decision changes it. */
export type Decide<State, Answer> = (
  document: Document<State> | undefined,
  version: number,
) => Decision<State, Answer>;

export type IdempotencyKey = {
  /** The subject that sent the key: two subjects may use the same key. */
  readonly scope: string;
  readonly key: string;
  /** A digest of the request, which shows when a key is used for another one. */
  readonly fingerprint: string;
};

export type Changed<Answer> = {
  /** JSON; must survive a round trip through it. */
  readonly answer: Answer;
  /** The position of the change's last event, or of the document's if the change made none; absent when there is none. */
  readonly position?: LogPosition;
  readonly replayed: boolean;
};

export type ChangeOptions = {
  readonly key?: IdempotencyKey | undefined;
  readonly traceparent?: string | undefined;
};

export type ChangeStore<State> = {
  read(id: string): Promise<Document<State> | undefined>;
  change<Answer>(
    id: string,
    decide: Decide<State, Answer>,
    options?: ChangeOptions,
  ): Promise<Changed<Answer>>;
  /**
   * The answer stored under a key; undefined when the key is unknown. Throws an unprocessable problem if the key was used for
   * another request.
   */
  replay<Answer>(key: IdempotencyKey): Promise<Changed<Answer> | undefined>;
};

export const keyReused = () =>
  problem(
    'unprocessable',
    'This Idempotency-Key was used for another request. Use a new key for a new request.',
  );

export const keyInFlight = () =>
  problem(
    'conflict',
    'The first request with this Idempotency-Key is still running. Try again in a moment.',
    {
      retryAfterS: 1,
    },
  );

export const lostRaces = () =>
  problem('unavailable', 'Too many concurrent changes of the same resource. Try again in a moment.');

export const isStorableKey = ({ scope, key }: IdempotencyKey): boolean =>
  isStorable(scope) && isStorable(key);

/** Throws an invalid problem unless a change's id and key are storable. */
export function requireStorable(id: string, key: IdempotencyKey | undefined): void {
  if (isStorable(id) && (!key || isStorableKey(key))) return;
  throw problem(
    'invalid',
    'An id or key has a character that cannot be stored: NUL, or half of a surrogate pair.',
  );
}

/** One text for scope and key, which together are unique. */
export const nameOfKey = ({ scope, key }: IdempotencyKey): string => JSON.stringify([scope, key]);
