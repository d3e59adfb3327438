/**
 * Whether an answer is as its route declares it, so that what the documents say is what is done. Tests watch this for
 * every answer of theirs; without a watcher nothing is compared.
 */
import { isDeepStrictEqual } from 'node:util';
import { answersOf, headersOfProblem, mediaTypesOf, problemsOf } from '../documents/openapi.ts';
import { Problem } from '../problem.ts';
import type { Answer, AnswerDeclaration, Route } from '../route.ts';
import { securityHeaders } from './security-headers.ts';

type Headers = Readonly<Record<string, string>>;

let watcher: ((undeclared: string) => void) | undefined;

/** Tells from now on, in a line, of every answer that is not as declared. */
export const watchUndeclared = (tell: (undeclared: string) => void): void => {
  watcher = tell;
};

export function watchAnswer(route: Route, answer: Answer): void {
  if (watcher) tell(route, undeclaredInAnswer(route, answer));
}

export function watchError(route: Route, error: unknown): void {
  if (watcher && error instanceof Problem) tell(route, undeclaredInProblem(route, error));
}

const tell = ({ method, path }: Route, found: readonly string[]): void => {
  if (found.length > 0) watcher!(`${method} ${path}: ${found.join('; ')}`);
};

/** Those of every answer, or of no answer in particular. */
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
    if (!read.success) found.push(`the body is not of its schema: ${read.error.message}`);
    else if (!isDeepStrictEqual(read.data, body))
      found.push('the body has fields that its schema does not have');
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
