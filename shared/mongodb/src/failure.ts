/**
 * What a failed operation means, by the names of the driver's errors and the codes of the server's (MongoDB's
 * `error_codes.yml`).
 */

/** The client could not send, or got no answer: no server, no connection, or no answer in time. */
const UNAVAILABLE_NAMES: ReadonlySet<unknown> = new Set([
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoServerSelectionError',
  'MongoNotConnectedError',
  'MongoClientClosedError',
  'MongoTopologyClosedError',
  'MongoPoolClearedError',
  'MongoPoolClosedError',
  'MongoWaitQueueTimeoutError',
  'PoolClearedOnNetworkError',
  'MongoWriteConcernError',
]);

/** The server answered that it cannot do it now. */
const UNAVAILABLE_CODES: ReadonlySet<unknown> = new Set([
  ...[6, 7, 89, 9001], // a member that it needs was unreachable
  ...[91, 189, 10107, 11600, 11602, 13435, 13436], // shutting down, stepping down, no longer the primary
  ...[50, 262], // out of time
  ...[64, 100, 134], // no majority, in time or at all
  112, // in conflict with another's write
  14031, // no room on the disk
]);

const DUPLICATE_KEY = 11_000;

/** The fields of the driver's errors that are read here; a bulk write's error has its cause in `errorResponse`. */
type Failure = {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly errorResponse?: unknown;
  readonly result?: {
    getWriteErrors?(): readonly { readonly code: unknown }[];
    getWriteConcernError?(): unknown;
  };
};

/**
 * Whether the database was unreachable, full or busy, so that the same work may succeed later. The outcome of a write is in
 * doubt then.
 */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, code, errorResponse, result } = error as Failure;
  return (
    UNAVAILABLE_NAMES.has(name) ||
    UNAVAILABLE_CODES.has(code) ||
    result?.getWriteConcernError?.() !== undefined ||
    (errorResponse !== error && isUnavailable(errorResponse))
  );
}

/** Whether a write failed because of keys that existed already, and for no other reason. */
export function isDuplicate(error: unknown): boolean {
  if (!(error instanceof Error) || isUnavailable(error)) return false;
  const { code, result } = error as Failure;
  const failed = result?.getWriteErrors?.() ?? [];
  return failed.length > 0 ? failed.every((one) => one.code === DUPLICATE_KEY) : code === DUPLICATE_KEY;
}
