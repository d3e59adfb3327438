/**
 * Compares answers with the declarations of their routes, so that services do what their documents say. Tests watch all
 * of their answers this way; without a watcher nothing is compared.
 */
import { isDeepStrictEqual } from 'node:util';
import { answersOf, headersOfProblem, mediaTypesOf, problemsOf } from '../documents/openapi.ts';
import { Problem } from '../problem.ts';
import type { Answer, AnswerDeclaration, Route } from '../route.ts';
import { securityHeaders } from './security-headers.ts';

type Headers = Readonly<Record<string, string>>;

type Watcher = (undeclared: string) => void;

let watcher: Watcher | undefined;

/** From now on calls `report` with one line for every answer that differs from its declaration. */
export const watchUndeclared = (report: Watcher): void => {
  watcher = report;
};

export function watchAnswer(route: Route, answer: Answer): void {
  if (watcher) reportTo(watcher, route, undeclaredInAnswer(route, answer));
}

export function watchError(route: Route, error: unknown): void {
  if (watcher && error instanceof Problem) reportTo(watcher, route, undeclaredInProblem(route, error));
}

const reportTo = (report: Watcher, { method, path }: Route, found: readonly string[]): void => {
  if (found.length > 0) report(`${method} ${path}: ${found.join('; ')}`);
};

/** The headers that any answer may have. */
const ALWAYS = new Set(
  ['Cache-Control', 'Content-Type', 'Referrer-Policy', ...securityHeaders.keys()].map((name) =>
    name.toLowerCase(),
  ),
);

export function undeclaredInAnswer(route: Route, { status, headers = {}, ...given }: Answer): string[] {
  const declared: AnswerDeclaration | undefined = answersOf(route)[status];
  if (!declared) return [`answers ${status}`];
  const found = undeclaredHeaders(headers, declared.headers?.shape ?? {});
  const hasBody = given.body !== undefined || given.text !== undefined || given.stream !== undefined;
  if (!hasBody) return found;

  const type =
    headerOf(headers, 'content-type') ?? (given.text === undefined ? 'application/json' : 'text/plain');
  const [mediaType = ''] = type.split(';');
  if (!mediaTypesOf(declared).includes(mediaType)) found.push(`answers ${mediaType}`);
  if (declared.schema && given.body !== undefined) {
    const body = JSON.parse(JSON.stringify(given.body));
    const read = declared.schema.safeParse(body);
    if (!read.success) found.push(`the body does not match its schema: ${read.error.message}`);
    else if (!isDeepStrictEqual(read.data, body)) found.push('the body has undeclared fields');
  }
  return found;
}

export function undeclaredInProblem(route: Route, { code, extras }: Problem): string[] {
  if (!problemsOf(route).includes(code)) return [`answers the problem ${code}`];
  const found = undeclaredHeaders(extras.headers ?? {}, headersOfProblem(code).shape, { someMissing: true });
  const retryAfter = headersOfProblem(code).shape['Retry-After'];
  return extras.retryAfterS !== undefined && !retryAfter ? [...found, 'sends Retry-After'] : found;
}

type Shape = Readonly<Record<string, { safeParse(value: unknown): { success: boolean } }>>;

function undeclaredHeaders(headers: Headers, shape: Shape, { someMissing = false } = {}): string[] {
  const names = new Set(Object.keys(shape).map((name) => name.toLowerCase()));
  const sent = Object.keys(headers).filter(
    (name) => !names.has(name.toLowerCase()) && !ALWAYS.has(name.toLowerCase()),
  );
  const wrong = Object.entries(shape).filter(([name, schema]) => {
    const value = headerOf(headers, name);
    return (value !== undefined || !someMissing) && !schema.safeParse(value).success;
  });
  return [...sent.map((name) => `sends ${name}`), ...wrong.map(([name]) => `${name} is not as declared`)];
}

const headerOf = (headers: Headers, name: string): string | undefined =>
  Object.entries(headers).find(([one]) => one.toLowerCase() === name.toLowerCase())?.[1];
