/** The services' documents are valid by independent validators, and declare all that a client can rely on. */

import asyncApiSpecs from '@asyncapi/specs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { type AllServices, openAllServices, type ServiceName } from './testing/all-services.ts';

const SERVICES: readonly ServiceName[] = [
  'cart-service',
  'catalog-service',
  'catalog-worker',
  'shopper-tracking-service',
];
const PUBLISHING: readonly ServiceName[] = ['cart-service', 'catalog-service'];

let all: AllServices;

beforeAll(async () => {
  all = await openAllServices();
}, 120_000);

afterAll(() => all?.close());

/** Every object in a document, with its path. */
function* objectsIn(value: unknown, path = '#'): Generator<readonly [string, Record<string, unknown>]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [path, value as Record<string, unknown>];
  for (const [name, inner] of Object.entries(value)) yield* objectsIn(inner, `${path}/${name}`);
}

describe.each(SERVICES)('the OpenAPI document of %s', (service) => {
  const document = () => all.documents.get(service)! as unknown as Record<string, unknown>;

  test('is valid by an independent validator', async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document()));
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
  });

  test("has the service's address, its licence, and a tag for each operation", () => {
    expect(document()).toMatchObject({
      servers: [{ url: expect.any(String) }],
      info: { license: { name: 'MIT', identifier: 'MIT' }, description: expect.any(String) },
    });
    const tags = (document().tags as { name: string }[]).map(({ name }) => name);
    const used = all.operations.filter((one) => one.service === service).flatMap((one) => one.tags);
    expect([...new Set(used)].sort()).toEqual([...tags].sort());
    for (const operation of all.operations) expect(operation.tags).toHaveLength(1);
  });

  test('requires no property that it does not define', () => {
    const undefinedOnes = [...objectsIn(document())].flatMap(([path, { required, properties }]) =>
      Array.isArray(required)
        ? required
            .filter((name) => !Object.hasOwn((properties ?? {}) as object, name))
            .map((name) => `${path}: ${name}`)
        : [],
    );
    expect(undefinedOnes).toEqual([]);
  });

  test('has patterns that every regular expression engine accepts', () => {
    const patterns = [...objectsIn(document())].flatMap(([, { pattern }]) =>
      typeof pattern === 'string' ? [pattern] : [],
    );
    expect(patterns.filter((pattern) => /\\p\{|\\u\{|\(\?</i.test(pattern))).toEqual([]);
    for (const pattern of patterns)
      expect(() => [new RegExp(pattern), new RegExp(pattern, 'u')]).not.toThrow();
  });

  test('declares caching and request id for every answer', () => {
    for (const { responses, service: its, method, path } of all.operations) {
      for (const [status, one] of Object.entries(responses)) {
        const headers = one.$ref ? ['Cache-Control', 'X-Request-Id'] : Object.keys(one.headers ?? {});
        expect([its, method, path, status, headers]).toEqual([
          its,
          method,
          path,
          status,
          expect.arrayContaining(['Cache-Control', 'X-Request-Id']),
        ]);
      }
    }
  });
});

test.each(PUBLISHING)(
  'the AsyncAPI document of %s is valid by the schema of the specification',
  async (service) => {
    const document = (await (await fetch(`${all.urls[service]}/asyncapi.json`)).json()) as {
      asyncapi: string;
    };
    const schema = (asyncApiSpecs.schemas as Record<string, object>)[document.asyncapi]!;
    const ajv = new Ajv({ strict: false, allErrors: true, meta: false, validateSchema: false });
    addFormats.default(ajv);
    const validate = ajv.compile(schema);
    validate(document);
    expect(validate.errors ?? []).toEqual([]);
    expect(document).toMatchObject({ info: { license: { name: 'MIT' } } });
  },
);

test.each([
  ['POST /carts', 201, ['Location', 'ETag', 'Position', 'Idempotent-Replayed', 'Cache-Control']],
  ['GET /carts/{cartId}', 200, ['ETag', 'Cache-Control']],
  ['GET /carts/{cartId}', 304, ['ETag', 'Cache-Control']],
  ['POST /carts/{cartId}/items', 200, ['ETag', 'Position', 'Idempotent-Replayed', 'Cache-Control']],
  ['PUT /carts/{cartId}/items/{productId}', 200, ['ETag', 'Position', 'Idempotent-Replayed']],
  ['DELETE /carts/{cartId}/items/{productId}', 200, ['ETag', 'Position', 'Idempotent-Replayed']],
  ['POST /carts/{cartId}/close', 200, ['ETag', 'Position', 'Idempotent-Replayed']],
  ['DELETE /shoppers/{subject}', 204, ['Position', 'Idempotent-Replayed']],
  ['GET /events', 200, ['Vary']],
  ['GET /events/{partition}', 200, ['ETag']],
  ['PUT /products/{id}', 202, ['Location', 'Retry-After']],
  ['DELETE /jobs/{jobId}', 202, ['Location', 'Retry-After']],
  ['GET /jobs/{jobId}', 200, ['Retry-After']],
  ['GET /products/{id}/counts', 200, ['As-Of', 'Position']],
] as const)('%s declares what its answer %i tells in headers', (name, status, headers) => {
  const found = all.operations.filter(({ method, path }) => `${method} ${path}` === name);
  expect(found).not.toEqual([]);
  for (const { responses } of found) {
    expect(Object.keys(responses[status]!.headers ?? {})).toEqual(expect.arrayContaining([...headers]));
  }
});

test.each([
  ['POST /carts', ['Idempotency-Key']],
  ['PUT /carts/{cartId}/items/{productId}', ['Idempotency-Key', 'If-Match', 'If-None-Match']],
  ['GET /carts/{cartId}', ['If-Match', 'If-None-Match']],
  ['GET /products/{id}/counts', ['Consistent-With', 'Prefer']],
] as const)('%s declares the headers that it evaluates', (name, headers) => {
  const found = all.operations.filter(({ method, path }) => `${method} ${path}` === name);
  for (const { parameters } of found) {
    const declared = parameters.filter((one) => one.in === 'header').map((one) => one.name);
    expect(declared).toEqual(expect.arrayContaining([...headers]));
  }
});

test('the heads are declared in both of their forms', () => {
  for (const { responses } of all.operations.filter(({ path }) => path === '/events')) {
    expect(Object.keys(responses[200]!.content ?? {})).toEqual(['application/json', 'application/x-ndjson']);
  }
});

test('every operation declares the answer to a head that is too long', () => {
  const without = all.operations.filter(({ responses }) => !responses[431]);
  expect(without.map(({ service, method, path }) => `${service} ${method} ${path}`)).toEqual([]);
});

test.each([
  ['If-Match', ''],
  ['If-None-Match', 'text'],
  ['log', ''],
  ['after', ''],
  ['after', '1@2,'],
  ['q', ''],
  ['q', '!? [`~'],
])('%s is declared with a pattern that refuses %j, as the service does', (name, text) => {
  const declared = all.operations
    .flatMap(({ parameters }) => parameters)
    .filter((one) => one.name === name && one.schema.type === 'string');
  expect(declared).not.toEqual([]);
  for (const { schema } of declared) expect(text).not.toMatch(new RegExp(schema.pattern ?? ''));
});

test('every text of a request is declared without NUL, which the services refuse', () => {
  const texts = all.operations.flatMap(({ service, method, path, parameters, body }) => {
    const schemas = [
      ...parameters.map(({ name, schema }) => [name, schema] as const),
      ['body', body] as const,
    ];
    return schemas.flatMap(([name, schema]) =>
      [...objectsIn(schema, `${service} ${method} ${path} ${name}`)].filter(([, one]) =>
        [one.type].flat().includes('string'),
      ),
    );
  });
  expect(texts).not.toEqual([]);
  const lax = texts.filter(
    ([, { pattern = '', format, enum: values, const: value }]) =>
      format === undefined &&
      values === undefined &&
      value === undefined &&
      new RegExp(String(pattern)).test('a\0b'),
  );
  expect(lax.map(([way]) => way)).toEqual([]);
});

test('the URL of an import is declared as one of HTTP', () => {
  const { body } = all.operations.find(({ method, path }) => `${method} ${path}` === 'POST /imports')!;
  const { pattern } = body!.properties!.url!;
  expect('').not.toMatch(new RegExp(pattern ?? ''));
  expect('https://supplier.example/feed.ndjson').toMatch(new RegExp(pattern ?? ''));
});
