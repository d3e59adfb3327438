import type { Answer } from './http-client.ts';

/** What to do with an answer: accept it, retry, or give up because a retry cannot help. */
export type Verdict = 'accept' | 'retry' | 'refuse';

/**
 * For a write with an Idempotency-Key. Worth repeating are 409 (the same key is still in progress), 429 (too many writes of
 * one shopper) and 503 (something is unavailable).
 */
export function classifyWrite({ status }: Answer): Verdict {
  if (status >= 200 && status < 300) return 'accept';
  return status === 409 || status === 429 || status === 503 ? 'retry' : 'refuse';
}

/** For a read: waiting resolves neither another log (409) nor a parked event (a 503 of that type). */
export function classifyRead(answer: Answer): Verdict {
  if (answer.status === 200) return 'accept';
  const passes = answer.status === 429 || (answer.status === 503 && slugOf(answer) !== 'parked');
  return passes ? 'retry' : 'refuse';
}

/** The status and, if the body is a problem (RFC 9457), its text. */
export function describe({ status, body }: Answer): string {
  const { title, detail } = readProblem(body);
  const hint = status === 401 ? 'is DATA_DIR the one that the system was started with?' : undefined;
  return [status, detail ?? title, hint].filter(Boolean).join(', ');
}

/** The end of a problem's type, such as `parked` in `/problems/parked`. */
const slugOf = ({ body }: Answer): string | undefined => readProblem(body).type?.split('/').at(-1);

function readProblem(body: string): { type?: string; title?: string; detail?: string } {
  try {
    const problem = JSON.parse(body);
    return typeof problem === 'object' && problem !== null ? problem : {};
  } catch {
    return {};
  }
}
