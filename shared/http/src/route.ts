/**
 * A route is declared once. The declaration drives the router, who may call, what is validated, and the OpenAPI document. A
 * handler receives validated input; a Problem that it throws becomes the answer.
 *
 * Path parameters stand in braces, `/carts/{cartId}`. Undeclared parameters and fields are refused: for query and path
 * this module does it, for a body its `z.strictObject` does. A body is required unless its schema accepts undefined. A
 * GET route answers HEAD as well.
 */
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { Caller, Role } from './authentication/authentication.ts';
import type { PreconditionRule, Preconditions } from './conditional/preconditions.ts';
import type { ProblemCode } from './problem.ts';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

type Nothing = z.ZodObject<Record<never, never>>;

export type AnswerDeclaration = {
  readonly description: string;
  /** The schema of a JSON body. */
  readonly schema?: z.ZodType;
  /** Headers of this answer, without those of all answers. `Cache-Control` is `no-store` if it is not listed. */
  readonly headers?: z.ZodObject;
  /** Media type of the body if it is not `application/json`. */
  readonly contentType?: string;
  /** Another media type that the caller may request: documents of the same schema, one a line. */
  readonly linesType?: string;
  /** Another media type that the caller may request: text that has no schema here. */
  readonly textType?: string;
};

export type RouteRequest<P, Q, H, B> = {
  /** The request's id, in the answer's `X-Request-Id` and in the logs. */
  readonly id: string;
  readonly params: P;
  readonly query: Q;
  /** The declared headers, under their declared names. */
  readonly headers: H;
  readonly body: B;
  /** `If-Match` and `If-None-Match`, on routes that evaluate them in the handler. */
  readonly preconditions: Preconditions;
  /** On open routes NOBODY, with neither subject nor roles. */
  readonly caller: Caller;
  /** Aborts when the client has gone or the server stops. A handler that waits must then answer early. */
  readonly signal: AbortSignal;
  /** W3C trace context, from the request or made for it. */
  readonly traceparent: string;
  readonly raw: Request;
};

/** `body` is sent as JSON, `text` as it is (with your `Content-Type`), and `stream` writes the body itself. */
export type Answer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: unknown;
  readonly text?: string | Buffer;
  /**
   * Called when status and headers have been sent; it ends the response. If it rejects, the answer breaks off, so do
   * anything that may become a problem before. A connection on which nothing is written for two minutes is closed.
   */
  readonly stream?: (response: Response) => Promise<void> | void;
};

export type RouteDeclaration<
  P extends z.ZodObject = Nothing,
  Q extends z.ZodObject = Nothing,
  H extends z.ZodObject = Nothing,
  B extends z.ZodType = z.ZodUndefined,
> = {
  readonly method: Method;
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly roles: readonly Role[] | 'open';
  readonly params?: P;
  readonly query?: Q;
  readonly headers?: H;
  readonly body?: B;
  /** By status, the answers other than problems. */
  readonly answers: Readonly<Record<number, AnswerDeclaration>>;
  /** The problems that this route answers with, besides those that follow from its declaration. */
  readonly problems: readonly ProblemCode[];
  /** Who evaluates `If-Match` and `If-None-Match`. By default the answer of a GET does, and other methods refuse them. */
  readonly preconditions?: PreconditionRule;
  /** Whether it counts towards the caller's write limit. By default every method but GET does. */
  readonly write?: boolean;
  handle(request: RouteRequest<z.output<P>, z.output<Q>, z.output<H>, z.output<B>>): Promise<Answer> | Answer;
};

export type Route = Omit<
  RouteDeclaration<z.ZodObject, z.ZodObject, z.ZodObject, z.ZodType>,
  'query' | 'preconditions' | 'write' | 'handle'
> & {
  readonly query: z.ZodObject;
  readonly preconditions: PreconditionRule;
  readonly write: boolean;
  readonly bodyRequired: boolean;
  handle(request: RouteRequest<unknown, unknown, unknown, unknown>): Promise<Answer> | Answer;
};

const PARAMETER = /\{([A-Za-z][A-Za-z0-9]*)\}/g;

/** The names of a path's parameters, in order. */
export const pathParameters = (path: string): string[] =>
  [...path.matchAll(PARAMETER)].map(([, name]) => name as string);

/** Declares a route. Throws, while the program starts, when the path and `params` name different parameters. */
export function route<
  P extends z.ZodObject = Nothing,
  Q extends z.ZodObject = Nothing,
  H extends z.ZodObject = Nothing,
  B extends z.ZodType = z.ZodUndefined,
>(declaration: RouteDeclaration<P, Q, H, B>): Route {
  const { method, path, params, body, write = method !== 'get' } = declaration;
  const inPath = pathParameters(path).sort().join();
  const declared = Object.keys(params?.shape ?? {})
    .sort()
    .join();
  if (inPath !== declared) {
    throw new Error(`${method} ${path}: the path has {${inPath}}, but params declares {${declared}}`);
  }
  const bodyRequired = body !== undefined && !body.safeParse(undefined).success;
  const query = (declaration.query ?? z.object({})).strict();
  const preconditions = declaration.preconditions ?? (method === 'get' ? 'by-answer' : 'refused');
  return { ...declaration, query, preconditions, write, bodyRequired } as unknown as Route;
}

/** The path as the router writes it: `/carts/:cartId`. */
export const routerPath = (path: string): string => path.replace(PARAMETER, ':$1');
