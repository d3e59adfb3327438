/** The OpenAPI 3.1 document of a service, made from the declarations of its routes. */
import { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiObject,
  type ZodOpenApiOperationObject,
  type ZodOpenApiOverride,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
} from 'zod-openapi';
import { preconditionHeaders } from '../conditional/preconditions.ts';
import { isUnlimited } from '../limits.ts';
import { type ProblemCode, statusOf, titleOf } from '../problem.ts';
import type { AnswerDeclaration, Route } from '../route.ts';
import { MAX_HEADER_BYTES } from '../server/unreadable-request.ts';

export type OpenApiDocument = ReturnType<typeof createDocument>;

const problemSchema = z
  .object({
    type: z.string().meta({ description: 'The kind of problem, relative to this service: /problems/<slug>' }),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().meta({ description: 'What is wrong with this request, and what to do about it' }),
    instance: z.string().meta({ description: "The request's path" }),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'Each invalid part of the request, such as body.items.0.quantity' }),
  })
  .meta({ id: 'Problem', description: 'Problem details (RFC 9457)' });

/** For requests that cannot be read, and so have no path to name. */
const unreadableSchema = problemSchema.omit({ instance: true, errors: true }).meta({
  id: 'UnreadableProblem',
  description: 'Problem details (RFC 9457) of a request that cannot be read',
});

const requestIdHeader = z
  .string()
  .meta({ description: "The request's id, as it stands in the logs", header: { id: 'X-Request-Id' } });

const cacheControlHeader = z.string().meta({
  description:
    'Whether and for how long the answer may be cached; `no-store` unless this route says otherwise',
});

const retryAfter = z.string().meta({ description: 'Seconds to wait' });

/** The headers that the answer to a problem has, besides those of every answer. */
const problemHeaders: Partial<Record<ProblemCode, z.ZodObject>> = {
  unauthenticated: z.object({ 'WWW-Authenticate': z.string() }),
  conflict: z.object({ 'Retry-After': retryAfter.optional() }),
  'unsupported-media-type': z.object({
    Accept: z.string().optional().meta({ description: 'The media type accepted here' }),
    'Accept-Encoding': z.string().optional().meta({ description: 'The content coding accepted here' }),
  }),
  'too-many-requests': z.object({ 'Retry-After': retryAfter }),
  unavailable: z.object({ 'Retry-After': retryAfter }),
};

export const headersOfProblem = (code: ProblemCode): z.ZodObject => problemHeaders[code] ?? z.object({});

const LICENSE = { name: 'MIT', identifier: 'MIT' };
const DESCRIPTION =
  'Errors are problem details (RFC 9457). Undeclared parameters, fields and bodies are refused with 400, and so is text with NUL or halves of surrogate pairs. Preconditions (RFC 9110, 13) are honoured where `If-Match` and `If-None-Match` are declared and refused elsewhere. Every GET resource answers HEAD too.';
/** Relative to the document's own address, so it also holds behind a proxy that adds a prefix to the paths. */
const SERVERS = [{ url: '.' }];
/** The tag of the routes that every service has. */
const SERVICE_TAG = 'service';
const OF_EVERY_SERVICE = /^\/(health\/|metrics$|docs$|openapi\.json$|asyncapi\.json$)/;

/** The OpenAPI tag of a route: the first part of its path. */
const tagOf = (path: string): string => (OF_EVERY_SERVICE.test(path) ? SERVICE_TAG : path.split('/')[1]!);

/** Whatever a request's text is, NUL is refused (request/request-text.ts); said of those that declare no form themselves. */
const WITHOUT_NUL = '^[^\\u0000]*$';
const declareWithoutNul: ZodOpenApiOverride = ({ jsonSchema, io }) => {
  const { type, pattern, format, enum: values, const: value } = jsonSchema;
  const isFree = [pattern, format, values, value].every((one) => one === undefined);
  if (io === 'input' && type === 'string' && isFree) jsonSchema.pattern = WITHOUT_NUL;
};

export function openApiDocument({
  title,
  version,
  routes,
}: {
  title: string;
  version: string;
  routes: readonly Route[];
}): OpenApiDocument {
  const codes = new Set(routes.flatMap(problemsOf));
  const paths: ZodOpenApiPathsObject = {};
  for (const route of routes) paths[route.path] = { ...paths[route.path], [route.method]: operation(route) };
  const document: ZodOpenApiObject = {
    openapi: '3.1.1',
    info: { title, version, description: DESCRIPTION, license: LICENSE },
    servers: SERVERS,
    tags: [...new Set(routes.map(({ path }) => tagOf(path)))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      responses: {
        ...Object.fromEntries([...codes].map((code) => [code, problemResponse(code)])),
        'head-too-large': headTooLarge,
      },
    },
  };
  return createDocument(document, { override: declareWithoutNul });
}

/** All problems that a route answers with: those it declares, and those that follow from its declaration. */
export function problemsOf(route: Route): ProblemCode[] {
  const implied: ProblemCode[] = ['invalid', 'internal'];
  if (route.roles !== 'open') implied.push('unauthenticated', 'forbidden', 'unavailable');
  if (!isUnlimited(route.path)) implied.push('too-many-requests');
  if (route.preconditions !== 'refused') implied.push('precondition-failed');
  if (route.body) implied.push('too-large', 'unsupported-media-type');
  return [...new Set([...implied, ...route.problems])];
}

/** The answers that are no problems: those that the route declares, and 304 for reads. */
export function answersOf({ method, preconditions, answers }: Route): Route['answers'] {
  return method === 'get' && preconditions !== 'refused' ? { 304: NOT_MODIFIED, ...answers } : answers;
}

const NOT_MODIFIED: AnswerDeclaration = {
  description: 'The representation you have is current.',
  headers: z.object({ ETag: z.string().optional(), Vary: z.string().optional() }),
};

function operation(route: Route): ZodOpenApiOperationObject {
  const { method, path, summary, description, roles, params, query, headers, body, preconditions } = route;
  const responses: Record<string, ZodOpenApiResponseObject | { $ref: string }> = {};
  for (const code of problemsOf(route)) {
    responses[statusOf(code)] = { $ref: `#/components/responses/${code}` };
  }
  responses[HEAD_TOO_LARGE] = { $ref: '#/components/responses/head-too-large' };
  for (const [status, answer] of Object.entries(answersOf(route))) responses[status] = response(answer);
  return {
    operationId: operationId(method, path),
    tags: [tagOf(path)],
    summary,
    ...(description !== undefined && { description }),
    'x-roles': roles === 'open' ? [] : [...roles],
    security: roles === 'open' ? [] : [{ bearer: [] }],
    requestParams: {
      ...(params && { path: params }),
      query,
      header: z.object({ ...headers?.shape, ...(preconditions !== 'refused' && preconditionHeaders.shape) }),
    },
    ...(body && {
      requestBody: { required: route.bodyRequired, content: { 'application/json': { schema: body } } },
    }),
    responses,
  };
}

function response(answer: AnswerDeclaration): ZodOpenApiResponseObject {
  const { description, headers, schema = z.string() } = answer;
  const mediaTypes = mediaTypesOf(answer);
  const schemaOf = (type: string) => (type === answer.textType ? z.string() : schema);
  const content = Object.fromEntries(mediaTypes.map((type) => [type, { schema: schemaOf(type) }]));
  return {
    description,
    headers: allHeaders(headers),
    ...(mediaTypes.length > 0 && { content }),
  };
}

/** The media types in which an answer's body may come; none if it has no body. */
export const mediaTypesOf = ({ schema, contentType, linesType, textType }: AnswerDeclaration): string[] =>
  [contentType ?? (schema && 'application/json'), linesType, textType].filter((type) => type !== undefined);

const allHeaders = (declared: z.ZodObject | undefined) =>
  z.object({ 'Cache-Control': cacheControlHeader, ...declared?.shape, 'X-Request-Id': requestIdHeader });

const problemResponse = (code: ProblemCode): ZodOpenApiResponseObject => ({
  description: titleOf(code),
  headers: allHeaders(headersOfProblem(code)),
  content: { 'application/problem+json': { schema: problemSchema } },
});

/** For a request whose head is too long. The server answers it before it has a route or a request id. */
const HEAD_TOO_LARGE = 431;

const headTooLarge: ZodOpenApiResponseObject = {
  description: `The request's head, its path and headers, has more than ${MAX_HEADER_BYTES} bytes`,
  headers: z.object({ 'Cache-Control': z.literal('no-store') }),
  content: { 'application/problem+json': { schema: unreadableSchema } },
};

/** `get /carts/{cartId}/items` is `getCartsCartIdItems`. */
const operationId = (method: string, path: string): string =>
  method + path.replace(/[^A-Za-z0-9]+([A-Za-z0-9]|$)/g, (_, letter: string) => letter.toUpperCase());
