/** A body on a route that takes none is refused, never ignored, on every route of every service. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type AllServices, openAllServices } from './testing/all-services.ts';
import { nameOf, pathOf } from './testing/operations.ts';

let all: AllServices;

beforeAll(async () => {
  all = await openAllServices();
}, 120_000);

afterAll(() => all?.close());

const JSON_TYPE = { 'content-type': 'application/json' };
const CHUNKED = { 'transfer-encoding': 'chunked' };

const methodsOf = (method: string) => (method === 'GET' ? ['GET', 'HEAD'] : [method]);

test('a body on a route that takes none is refused with 400, whatever it contains and however it is sent', async () => {
  const cases = fc.record({
    operation: fc.constantFrom(...all.operations.filter(({ body }) => body === undefined)),
    body: fc.oneof(
      fc.constantFrom('{}', 'null', '[]', '{"quantity":1}', ' ', 'a=b'),
      fc.string({ minLength: 1 }),
    ),
    type: fc.constantFrom({}, JSON_TYPE, { 'content-type': 'text/plain' }),
    inChunks: fc.boolean(),
    head: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ operation, body, type, inChunks, head }) => {
      const methods = methodsOf(operation.method);
      const reply = await all.ask(operation, {
        method: methods.at(head ? -1 : 0)!,
        path: pathOf(operation),
        headers: { ...type, ...(inChunks && CHUNKED) },
        body: inChunks ? [body] : body,
      });
      expect([nameOf(operation), reply.status]).toEqual([nameOf(operation), 400]);
      if (!head) expect(reply.body.errors).toEqual([{ path: 'body', message: expect.any(String) }]);
    }),
    { numRuns: 150 },
  );
});

test('an empty body counts as none, however its length is sent', async () => {
  for (const operation of all.operations.filter(({ body }) => body === undefined)) {
    const asking = { method: operation.method, path: pathOf(operation) };
    for (const headers of [{ 'content-length': '0' }, { ...CHUNKED, ...JSON_TYPE }]) {
      const reply = await all.ask(operation, { ...asking, headers });
      expect([nameOf(operation), reply.status, reply.body.errors ?? []]).not.toContainEqual(
        expect.arrayContaining([expect.objectContaining({ path: 'body' })]),
      );
    }
  }
});

test('a caller without the role gets that refusal first', async () => {
  for (const operation of all.operations.filter(
    ({ body, roles }) => body === undefined && roles.length > 0,
  )) {
    const asking = { method: operation.method, path: pathOf(operation), body: '{}' };
    const reply = await all.ask(operation, asking, 'nobody');
    expect([nameOf(operation), reply.status]).toEqual([nameOf(operation), 401]);
  }
});
