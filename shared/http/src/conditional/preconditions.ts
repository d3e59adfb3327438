/**
 * Preconditions of a request (RFC 9110, 13). A route's declaration says who evaluates `If-Match` and `If-None-Match`, so
 * neither is ever ignored. `If-Modified-Since`, `If-Unmodified-Since` and `If-Range` are ignored: no resource here has a
 * modification date or ranges, so a recipient must ignore them (13.1.3 to 13.1.5).
 */
import { z } from 'zod';
import { type FieldError, type Problem, problem } from '../problem.ts';
import {
  type EntityTag,
  matchesStrongly,
  matchesWeakly,
  parseTagCondition,
  TAG_CONDITION,
  type TagCondition,
} from './entity-tag.ts';

/**
 * - `by-answer`: the `ETag` of the route's successful answer decides. The default for GET.
 * - `by-handler`: the handler decides; it finds them in `preconditions` of its request.
 * - `refused`: a request that has any is answered with 400. The default for all other methods.
 */
export type PreconditionRule = 'by-answer' | 'by-handler' | 'refused';

export type Preconditions = {
  readonly ifMatch?: TagCondition | undefined;
  readonly ifNoneMatch?: TagCondition | undefined;
};

export const NO_PRECONDITIONS: Preconditions = Object.freeze({});

/** For the OpenAPI document: the headers of every route that does not refuse them. */
export const preconditionHeaders = z.object({
  'If-Match': z.string().regex(TAG_CONDITION).optional().meta({
    description: '`*` or entity tags: 412 unless one of them is the current one (RFC 9110, 13.1.1)',
  }),
  'If-None-Match': z.string().regex(TAG_CONDITION).optional().meta({
    description:
      '`*` or entity tags: 304, or 412 for a write, if one of them is the current one (RFC 9110, 13.1.2)',
  }),
});

/** Reads the two headers, and adds to `errors` each that is malformed or not accepted here. */
export function readPreconditions(
  headers: { readonly 'if-match'?: string | undefined; readonly 'if-none-match'?: string | undefined },
  rule: PreconditionRule,
  errors: FieldError[],
): Preconditions {
  const match = headers['if-match'];
  const noneMatch = headers['if-none-match'];
  if (match === undefined && noneMatch === undefined) return NO_PRECONDITIONS;
  const read = (name: string, value: string | undefined): TagCondition | undefined => {
    if (value === undefined) return undefined;
    const condition = parseTagCondition(value);
    if (rule === 'refused') errors.push({ path: `header.${name}`, message: 'is not accepted here' });
    else if (!condition)
      errors.push({ path: `header.${name}`, message: 'must be * or a list of entity tags' });
    return condition;
  };
  return { ifMatch: read('if-match', match), ifNoneMatch: read('if-none-match', noneMatch) };
}

/** The outcome of a successful GET or HEAD, by the tag of its answer, in the order of RFC 9110, 13.2.2. */
export function evaluateRead(
  { ifMatch, ifNoneMatch }: Preconditions,
  current: EntityTag | undefined,
): 'holds' | 'not-modified' | 'failed' {
  const matches = (condition: TagCondition, compare: typeof matchesWeakly) =>
    condition === '*' || (current !== undefined && compare(condition, current));
  if (ifMatch && !matches(ifMatch, matchesStrongly)) return 'failed';
  if (ifNoneMatch && matches(ifNoneMatch, matchesWeakly)) return 'not-modified';
  return 'holds';
}

export const preconditionFailed = (header: 'If-Match' | 'If-None-Match'): Problem =>
  problem('precondition-failed', `${header} does not match the current resource. Read it again.`);

type Conditional = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
};

/** The headers that a 304 repeats from the answer it stands for (RFC 9110, 15.4.5). */
const REPEATED = new Set(['cache-control', 'content-location', 'etag', 'expires', 'vary']);

/** Applies the preconditions of a read to its answer. An answer that is no success stays as it is (13.2.1). */
export function applyPreconditions<Answer extends Conditional>(
  answer: Answer,
  preconditions: Preconditions,
): Answer | Conditional {
  if (preconditions === NO_PRECONDITIONS || answer.status < 200 || answer.status > 299) return answer;
  const headers = Object.entries(answer.headers ?? {});
  const tags = parseTagCondition(headers.find(([name]) => name.toLowerCase() === 'etag')?.[1] ?? '');
  const current = tags === '*' ? undefined : tags?.[0];
  switch (evaluateRead(preconditions, current)) {
    case 'holds':
      return answer;
    case 'failed':
      throw preconditionFailed('If-Match');
    case 'not-modified':
      return {
        status: 304,
        headers: Object.fromEntries(headers.filter(([name]) => REPEATED.has(name.toLowerCase()))),
      };
  }
}
