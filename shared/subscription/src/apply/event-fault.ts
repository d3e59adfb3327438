/**
 * Decides whose fault an error is. An event is at fault only for an error of its own handling, and not for one that comes
 * from an unavailable database or a wrong deployment: an event that is parked for an outage would be missing for no reason.
 */

import { Problem } from '@micromart/http/problem';
import { isUnavailable, sqlStateOf } from '@micromart/postgres/failure';
import { toStorable } from '@micromart/text/storable';

/** Handling failed, and an event of the batch is at fault. The message is the reason, as a text that can be stored. */
export class EventFault extends Error {
  override readonly name = 'EventFault';
  constructor(cause: unknown) {
    super(reasonOf(cause), { cause });
  }
}

const MAX_REASON_LENGTH = 500;

/**
 * The SQLSTATE classes (PostgreSQL manual, appendix A) that an event's own data causes: no data (02), case not found (20),
 * cardinality (21), data (22), integrity constraints (23), a view's check option (44), limits of the server such as the size
 * of a key (54), and what the projection's own functions raise (P0). All others come from the deployment or the database: a
 * missing grant or table (42), a server that is too old (0A), read-only, full, or failing.
 */
const OF_THE_EVENT: ReadonlySet<string> = new Set(['02', '20', '21', '22', '23', '44', '54', 'P0']);
const CLASS_LENGTH = 2;
/** Names of errors after a time limit or an abort. */
const GIVEN_UP: ReadonlySet<unknown> = new Set(['AbortError', 'TimeoutError']);
/** Node's codes of network and file errors, not those of invalid arguments. */
const NODE_IO_ERROR = /^(ERR_(SOCKET|STREAM|TLS|SSL|HTTP2?|DNS|FS)_|UND_ERR_|E[A-Z]+$)/;

/** Runs a service's handling of events. Throws EventFault for its errors, unless the event is not at fault for them. */
export async function handling<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isNoFault(error) ? error : new EventFault(error);
  }
}

/** Whether an error, or its cause, is not the event's fault. */
function isNoFault(error: unknown): boolean {
  if (isUnavailable(error)) return true;
  const state = sqlStateOf(error);
  if (state) return !OF_THE_EVENT.has(state.slice(0, CLASS_LENGTH));
  if (GIVEN_UP.has((error as { name?: unknown } | null)?.name)) return true;
  if (!(error instanceof Error)) return false;
  if (error instanceof Problem) return error.code === 'unavailable' || error.code === 'too-many-requests';
  if (NODE_IO_ERROR.test(String((error as { code?: unknown }).code))) return true;
  return error.cause !== undefined && error.cause !== error && isNoFault(error.cause);
}

const reasonOf = (error: unknown): string =>
  toStorable((error instanceof Error && error.message) || String(error), MAX_REASON_LENGTH);
