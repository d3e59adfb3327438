/**
 * What a failed statement means, by its SQLSTATE (PostgreSQL manual, appendix A). An error without one comes from the
 * connection: refused, reset, timed out.
 */

/** An error of the operating system, whose code can look like a SQLSTATE: EPIPE. */
const isSystemError = (error: unknown): boolean =>
  error instanceof Error && ('syscall' in error || 'errno' in error);

/** The SQLSTATE of an error that the server sent; undefined for any other. */
export const sqlStateOf = (error: unknown): string | undefined => {
  if (isSystemError(error)) return undefined;
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
};

const DISK_FULL = '53100';
const UNAVAILABLE = new Set(['08', '40', '53', '57']);
/** A lock was not free in time; a transaction was idle, or ran, for too long. */
const TOO_LATE = new Set(['55P03', '25P03', '25P04']);

const CONNECTION_WORDS =
  /connection terminated|query read timeout|connection ended|timeout exceeded when trying to connect|client has encountered a connection error|not queryable|cannot use a pool after/i;

/**
 * Whether the database was unreachable, full or busy, so that the same work may succeed later: a lost or refused
 * connection, SQLSTATE classes 08 (connection), 40 (rollback), 53 (resources), 57 (operator), and the server's own
 * time limits.
 */
export function isUnavailable(error: unknown): boolean {
  const code = sqlStateOf(error);
  if (code) return UNAVAILABLE.has(code.slice(0, 2)) || TOO_LATE.has(code);
  if (!(error instanceof Error)) return false;
  if (isSystemError(error)) return true;
  if (error instanceof AggregateError) return error.errors.some(isUnavailable);
  return CONNECTION_WORDS.test(error.message);
}

const MISSING_OR_DENIED = new Set(['42P01', '42703', '42883', '3F000', '42501']);

/**
 * Whether a statement needs what does not exist or is not granted (undefined table, column or function, invalid schema name,
 * insufficient privilege). A role that may only read gets either until the owner has created the schema and granted access.
 */
export const isMissingOrDenied = (error: unknown): boolean => MISSING_OR_DENIED.has(sqlStateOf(error) ?? '');

/** Whether the server ended a statement because it took too long (statement_timeout) or an administrator asked for it. */
export const isCancelled = (error: unknown): boolean => sqlStateOf(error) === '57014';

/** Whether the database rolled the work back in favour of another transaction (deadlock, serialisation failure). */
export const isConflict = (error: unknown): boolean => sqlStateOf(error)?.startsWith('40') ?? false;

/** Whether a connection broke, so that the outcome of a commit is in doubt. */
export const isConnectionLoss = (error: unknown): boolean => {
  const code = sqlStateOf(error);
  return code ? code.startsWith('08') || code.startsWith('57P') : isUnavailable(error);
};

/** The name of the constraint that a statement violated (SQLSTATE class 23); undefined if it failed for another reason. */
export function violatedConstraint(error: unknown): string | undefined {
  if (!sqlStateOf(error)?.startsWith('23')) return undefined;
  return (error as { constraint?: string }).constraint ?? '';
}

/** Whether a disk is full: the server's (SQLSTATE 53100) or this process's. */
export const isDiskFull = (error: unknown): boolean =>
  sqlStateOf(error) === DISK_FULL || (error as { code?: unknown } | null)?.code === 'ENOSPC';
