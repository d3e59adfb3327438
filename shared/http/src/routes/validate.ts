/**
 * Checks the parts of a request against a route's declaration, and reports all errors at once. Text that no store could
 * keep is refused first, in every part, so no schema and no handler ever sees any.
 */

import { toStorable } from '@micromart/text/storable';
import type { Request } from 'express';
import type { z } from 'zod';
import { type Preconditions, readPreconditions } from '../conditional/preconditions.ts';
import { type FieldError, type Problem, problem } from '../problem.ts';
import { findUnstorable } from '../request/request-text.ts';
import type { Route } from '../route.ts';

const MAX_ERRORS = 50;
const MAX_PATH_LENGTH = 200;
const NONE = Object.freeze({});

export type Input = {
  readonly params: unknown;
  readonly query: unknown;
  readonly headers: unknown;
  readonly body: unknown;
  readonly preconditions: Preconditions;
};

/** Throws `invalid` with a list of errors and their paths. `body` is the parsed body, or undefined if there was none. */
export function validate(route: Route, request: Request, body: unknown): Input {
  const errors: FieldError[] = [];
  const query = readQuery(request.url, errors);
  const headers = route.headers ? declaredHeaders(route.headers, request) : NONE;
  const unstorable = findUnstorable({ path: request.params, query, headers, body });
  if (unstorable.length > 0) throw refusal(unstorable);

  const check = (part: string, schema: z.ZodType, value: unknown): unknown => {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    for (const issue of result.error.issues) errors.push(...fieldErrors(part, issue));
    return undefined;
  };
  const input = {
    params: route.params ? check('path', route.params, request.params) : NONE,
    query: check('query', route.query, query),
    headers: route.headers ? check('header', route.headers, headers) : NONE,
    body: route.body ? check('body', route.body, body) : undefined,
    preconditions: readPreconditions(request.headers, route.preconditions, errors),
  };
  if (errors.length > 0) throw refusal(errors);
  return input;
}

const refusal = (errors: readonly FieldError[]): Problem =>
  problem('invalid', 'The request is not valid: errors lists what is wrong with which part.', {
    errors: errors
      .slice(0, MAX_ERRORS)
      .map(({ path, message }) => ({ path: toStorable(path, MAX_PATH_LENGTH), message })),
  });

/** The parameters after `?`, each as text. A repeated one is an error, because either value could be meant. */
function readQuery(url: string, errors: FieldError[]): Record<string, string> {
  const start = url.indexOf('?');
  if (start < 0) return NONE;
  const text = url.slice(start + 1);
  if (!isPercentEncoded(text)) throw problem('invalid', 'The query is not percent-encoded UTF-8.');
  const query: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) {
    if (name in query) errors.push({ path: `query.${name}`, message: 'is given more than once' });
    query[name] = value;
  }
  return query;
}

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function declaredHeaders(schema: z.ZodObject, { headers }: Request): Record<string, unknown> {
  const declared: Record<string, unknown> = {};
  for (const name of Object.keys(schema.shape)) declared[name] = headers[name.toLowerCase()];
  return declared;
}

function fieldErrors(part: string, issue: z.core.$ZodIssue): FieldError[] {
  const path = [part, ...issue.path].join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: `${path}.${key}`, message: 'is not known here' }));
  }
  const missing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
  return [{ path, message: missing ? 'is required' : issue.message }];
}
