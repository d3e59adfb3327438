/**
 * What can go wrong for a caller, in codes that know nothing of HTTP, and the one table that turns them into problem details
 * (RFC 9457). Any other error is a fault of the service. It is answered as `internal`, which names only the request's id.
 */

const problems = {
  invalid: { status: 400, title: 'The request is not valid' },
  unauthenticated: { status: 401, title: 'The request has no valid token' },
  forbidden: { status: 403, title: 'The caller may not do this' },
  'not-found': { status: 404, title: 'There is no such resource' },
  'method-not-allowed': { status: 405, title: 'The resource does not offer this method' },
  'not-acceptable': { status: 406, title: 'The resource has no such representation' },
  conflict: { status: 409, title: 'The request conflicts with the state of the resource' },
  gone: { status: 410, title: 'The resource is gone' },
  'precondition-failed': { status: 412, title: 'A precondition of the request does not hold' },
  'too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The type of the body is not supported' },
  'expectation-failed': { status: 417, title: 'The expectation of the request cannot be met' },
  unprocessable: { status: 422, title: 'The request is valid but cannot be carried out' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Something went wrong on our side' },
  unavailable: { status: 503, title: 'A required dependency does not answer' },
} as const;

export type ProblemCode = keyof typeof problems;

/** What is wrong with one part of a request; `path` is dotted, as in `body.items.0.quantity`. */
export type FieldError = { readonly path: string; readonly message: string };

export type ProblemExtras = {
  readonly errors?: readonly FieldError[];
  /** Seconds to wait before trying again: the header `Retry-After`. */
  readonly retryAfterS?: number;
  /** A more precise slug than the code, such as `not-yet-consistent`. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

export class Problem extends Error {
  override name = 'Problem';
  readonly code: ProblemCode;
  readonly extras: ProblemExtras;

  constructor(code: ProblemCode, detail: string, extras: ProblemExtras) {
    super(detail);
    this.code = code;
    this.extras = extras;
  }
}

/** A problem to throw. `detail` tells the caller what is wrong with this request and what to do about it. */
export const problem = (code: ProblemCode, detail: string, extras: ProblemExtras = {}): Problem =>
  new Problem(code, detail, extras);

export const statusOf = (code: ProblemCode): number => problems[code].status;
export const titleOf = (code: ProblemCode): string => problems[code].title;

export type ProblemAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: {
    readonly type: string;
    readonly title: string;
    readonly status: number;
    readonly detail: string;
    readonly instance: string;
    readonly errors?: readonly FieldError[];
  };
};

const MAX_INSTANCE_LENGTH = 200;
const RETRY_UNAVAILABLE_S = 1;

/**
 * The answer to a problem. `type` is a reference relative to the service, `/problems/<slug>`, the same in every service
 * (RFC 9457, 3.1.1); `instance` is the request's path. A problem's own headers override the usual ones.
 */
export function problemAnswer({ code, message, extras }: Problem, path: string): ProblemAnswer {
  const { status, title } = problems[code];
  const retryAfterS = extras.retryAfterS ?? (code === 'unavailable' ? RETRY_UNAVAILABLE_S : undefined);
  return {
    status,
    headers: {
      'Content-Type': 'application/problem+json',
      ...(code === 'unauthenticated' && { 'WWW-Authenticate': 'Bearer' }),
      ...(retryAfterS !== undefined && { 'Retry-After': String(Math.max(1, Math.ceil(retryAfterS))) }),
      ...extras.headers,
    },
    body: {
      type: `/problems/${extras.type ?? code}`,
      title,
      status,
      detail: message,
      instance: path.slice(0, MAX_INSTANCE_LENGTH),
      ...(extras.errors && { errors: extras.errors }),
    },
  };
}
