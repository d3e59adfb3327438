/** The OpenAPI 3.1 document of a service, made of the declarations that its routes are served by. */
import { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiObject,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
} from 'zod-openapi';
import { isUnlimited } from './limits.ts';
import { preconditionHeaders } from './preconditions.ts';
import { type ProblemCode, statusOf, titleOf } from './problem.ts';
import type { AnswerDeclaration, Route } from './route.ts';

export type OpenApiDocument = ReturnType<typeof createDocument>;

const problemSchema = z
  .object({
    type: z
      .string()
      .meta({ description: 'What kind of problem it is, relative to this service: /problems/<slug>' }),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().meta({ description: 'What is wrong with this request, and what to do about it' }),
    instance: z.string().meta({ description: "The request's path" }),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'Each part of the request that is wrong, such as body.items.0.quantity' }),
  })
  .meta({ id: 'Problem', description: 'Problem details (RFC 9457)' });

const requestIdHeader = z
  .string()
  .meta({ description: "The request's id, as it stands in the logs", header: { id: 'X-Request-Id' } });

const problemHeaders: Partial<Record<ProblemCode, z.ZodObject>> = {
  unauthenticated: z.object({ 'WWW-Authenticate': z.string() }),
  'too-many-requests': z.object({ 'Retry-After': z.string().meta({ description: 'Seconds to wait' }) }),
  unavailable: z.object({ 'Retry-After': z.string().meta({ description: 'Seconds to wait' }) }),
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
    info: { title, version },
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      responses: Object.fromEntries([...codes].map((code) => [code, problemResponse(code)])),
    },
  };
  return createDocument(document);
}

/** All problems that a route answers with: those it names, and those that follow from its declaration. */
export function problemsOf(route: Route): ProblemCode[] {
  const implied: ProblemCode[] = ['invalid', 'internal'];
  if (route.roles !== 'open') implied.push('unauthenticated', 'forbidden', 'unavailable');
  if (!isUnlimited(route.path)) implied.push('too-many-requests');
  if (route.preconditions !== 'refused') implied.push('precondition-failed');
  if (route.body) implied.push('too-large', 'unsupported-media-type');
  return [...new Set([...implied, ...route.problems])];
}

const NOT_MODIFIED: AnswerDeclaration = {
  description: 'What you have is what would be answered.',
  headers: z.object({ ETag: z.string().optional() }),
};

function operation(route: Route): ZodOpenApiOperationObject {
  const { method, path, summary, description, roles, params, query, headers, body, answers, preconditions } =
    route;
  const responses: Record<string, ZodOpenApiResponseObject | { $ref: string }> = {};
  for (const code of problemsOf(route)) {
    responses[statusOf(code)] = { $ref: `#/components/responses/${code}` };
  }
  if (preconditions !== 'refused' && method === 'get') responses[304] = response(NOT_MODIFIED);
  for (const [status, answer] of Object.entries(answers)) responses[status] = response(answer);
  return {
    operationId: operationId(method, path),
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

function response({
  description,
  schema,
  headers,
  contentType,
}: AnswerDeclaration): ZodOpenApiResponseObject {
  const mediaType = contentType ?? (schema && 'application/json');
  return {
    description,
    headers: z.object({ ...headers?.shape, 'X-Request-Id': requestIdHeader }),
    ...(mediaType && { content: { [mediaType]: { schema: schema ?? z.string() } } }),
  };
}

const problemResponse = (code: ProblemCode): ZodOpenApiResponseObject => ({
  description: titleOf(code),
  headers: z.object({ ...problemHeaders[code]?.shape, 'X-Request-Id': requestIdHeader }),
  content: { 'application/problem+json': { schema: problemSchema } },
});

/** `get /carts/{cartId}/items` is `getCartsCartIdItems`. */
const operationId = (method: string, path: string): string =>
  method + path.replace(/[^A-Za-z0-9]+([A-Za-z0-9]|$)/g, (_, letter: string) => letter.toUpperCase());
