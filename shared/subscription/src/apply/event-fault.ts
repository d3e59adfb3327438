/**
 * Whose fault an error is. Only what an event's own handling threw can be held against the event, and not even that when
 * it says that the database was in trouble: an event that is parked for an outage would be missing for nothing.
 */

import { Problem } from '@micromart/http/problem';
import { isUnavailable, sqlStateOf } from '@micromart/postgres/failure';
import { toStorable } from '@micromart/text/storable';

/** An event could not be handled, and it, or one of its batch, is to blame. The message is the reason, fit to store. */
export class EventFault extends Error {
  override readonly name = 'EventFault';
  constructor(cause: unknown) {
    super(reasonOf(cause), { cause });
  }
}

const MAX_REASON_LENGTH = 500;

/**
 * The SQLSTATE classes (PostgreSQL manual, appendix A) that tell of an event's own data: no data (02), a case that was not
 * foreseen (20), cardinality (21), data (22), an integrity constraint (23), a view's check option (44), a limit of the server
 * such as the size of a key (54), and what functions of the projection's own raise (P0). All others are the deployment's or
 * the database's: a grant or a table that is missing (42), a server that is too old (0A), read-only, full, or failing.
 */
const OF_THE_EVENT: ReadonlySet<string> = new Set(['02', '20', '21', '22', '23', '44', '54', 'P0']);
const CLASS_LENGTH = 2;
/** Names of errors that a time limit, or somebody who stopped waiting, leaves behind. */
const GIVEN_UP: ReadonlySet<unknown> = new Set(['AbortError', 'TimeoutError']);
/** Of Node's own codes, those of networks and files rather than of what a function was given. */
const NODE_TROUBLE = /^(ERR_(SOCKET|STREAM|TLS|SSL|HTTP2?|DNS|FS)_|UND_ERR_|E[A-Z]+$)/;

/** Runs what a service does with events; throws EventFault for what it throws, unless that is the database's trouble. */
export async function handling<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isTrouble(error) ? error : new EventFault(error);
  }
}

/** Whether an error, or what caused it, is not the event's fault. */
function isTrouble(error: unknown): boolean {
  if (isUnavailable(error)) return true;
  const state = sqlStateOf(error);
  if (state) return !OF_THE_EVENT.has(state.slice(0, CLASS_LENGTH));
  if (GIVEN_UP.has((error as { name?: unknown } | null)?.name)) return true;
  if (!(error instanceof Error)) return false;
  if (error instanceof Problem) return error.code === 'unavailable' || error.code === 'too-many-requests';
  if (NODE_TROUBLE.test(String((error as { code?: unknown }).code))) return true;
  return error.cause !== undefined && error.cause !== error && isTrouble(error.cause);
}

const reasonOf = (error: unknown): string =>
  toStorable((error instanceof Error && error.message) || String(error), MAX_REASON_LENGTH);
