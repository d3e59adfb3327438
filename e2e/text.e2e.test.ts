/**
 * Text that no store can keep, and bytes that are no text, in every part of every route that takes text. One mechanism refuses
 * NUL and lone surrogates, so the routes are taken from the services' own documents.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type AllServices, openAllServices } from './testing/all-services.ts';
import { nameOf, type Operation, pathOf, sample } from './testing/operations.ts';

let all: AllServices;

beforeAll(async () => {
  all = await openAllServices();
}, 120_000);

afterAll(() => all?.close());

const RUNS = { numRuns: 60 };
const JSON_TYPE = { 'content-type': 'application/json' };

/** Any text with a NUL, percent-encoded. */
const encodedNul = fc
  .tuple(fc.string({ maxLength: 5 }), fc.string({ maxLength: 5 }))
  .map(([before, after]) => `${encodeURIComponent(before)}%00${encodeURIComponent(after)}`);

/** Bytes that are not UTF-8 (cut, overlong, encoded surrogates), and text that is not percent-encoded at all. */
const encodedNonsense = fc.constantFrom(
  '%ff',
  '%c3',
  '%ed%a0%80',
  '%c0%80',
  '%f5%80%80%80',
  '%e2%82',
  '%',
  '%zz',
  'caf\u00e9',
);

/** Texts that contain a NUL or a lone surrogate. */
const unstorable = fc
  .tuple(
    fc.string({ maxLength: 5 }),
    fc.constantFrom('\0', '\ud800', '\udfff', '\ude00\ud83d'),
    fc.string({ maxLength: 5 }),
  )
  .map((parts) => parts.join(''));

const anyOperation = (wanted: (operation: Operation) => boolean) =>
  fc.constantFrom(...all.operations.filter(wanted));
const parameterOf = (operation: Operation, location: string) =>
  fc.constantFrom(...operation.parameters.filter((one) => one.in === location));
const hasA = (location: string) => (operation: Operation) =>
  operation.parameters.some((one) => one.in === location);

const pathsIn = (reply: { body: { errors?: { path: string }[] } }) =>
  (reply.body.errors ?? []).map(({ path }) => path);

describe('text that no store can keep is refused with 400', () => {
  test('in every part of a path', async () => {
    const cases = anyOperation(hasA('path')).chain((operation) =>
      fc.tuple(fc.constant(operation), parameterOf(operation, 'path'), encodedNul),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ([operation, { name }, value]) => {
        const path = pathOf(operation, { [name]: 'MARK' }).replace('MARK', value);
        const reply = await all.ask(operation, { method: operation.method, path });
        expect([nameOf(operation), reply.status]).toEqual([nameOf(operation), 400]);
        expect(pathsIn(reply)).toContain(`path.${name}`);
      }),
      RUNS,
    );
  });

  test('in every parameter of a query, and in its name', async () => {
    const cases = anyOperation(hasA('query')).chain((operation) =>
      fc.tuple(fc.constant(operation), parameterOf(operation, 'query'), encodedNul, fc.boolean()),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ([operation, { name }, value, inName]) => {
        const query = inName ? `${name}${value}=1` : `${name}=${value}`;
        const path = `${pathOf(operation).split('?')[0]}?${query}`;
        const reply = await all.ask(operation, { method: operation.method, path });
        expect([nameOf(operation), query, reply.status]).toEqual([nameOf(operation), query, 400]);
      }),
      RUNS,
    );
  });

  test('in every text and every name of a body', async () => {
    const cases = anyOperation(({ body }) => body !== undefined).chain((operation) =>
      fc.tuple(fc.constant(operation), unstorable, fc.constantFrom('value', 'name', 'deep', 'all')),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ([operation, bad, where]) => {
        const good = sample(operation.body!) as Record<string, unknown>;
        const [name] = Object.keys(good);
        const body = {
          value: { ...good, [name!]: bad },
          name: { ...good, [bad]: 1 },
          deep: { ...good, [name!]: [{ [bad]: bad }] },
          all: bad,
        }[where];
        const reply = await all.ask(operation, {
          method: operation.method,
          path: pathOf(operation),
          headers: JSON_TYPE,
          body: JSON.stringify(body),
        });
        expect([nameOf(operation), reply.status]).toEqual([nameOf(operation), 400]);
        expect(reply.body.errors).toContainEqual({
          path: expect.stringMatching(/^body/),
          message: 'must contain neither NUL nor halves of surrogate pairs',
        });
      }),
      RUNS,
    );
  });

  test('in every header that is declared', async () => {
    const beyondAscii = fc.string({
      unit: fc.integer({ min: 0x80, max: 0xff }).map((code) => String.fromCharCode(code)),
      minLength: 1,
      maxLength: 5,
    });
    const cases = anyOperation(hasA('header')).chain((operation) =>
      fc.tuple(fc.constant(operation), parameterOf(operation, 'header'), beyondAscii),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ([operation, { name }, value]) => {
        const reply = await all.ask(operation, {
          method: operation.method,
          path: pathOf(operation),
          headers: { ...(operation.body && JSON_TYPE), [name]: value },
          body: operation.body && JSON.stringify(sample(operation.body)),
        });
        expect([nameOf(operation), name, reply.status]).toEqual([nameOf(operation), name, 400]);
      }),
      RUNS,
    );
  });

  test('if it is not even UTF-8', async () => {
    const cases = anyOperation(hasA('path')).chain((operation) =>
      fc.tuple(fc.constant(operation), parameterOf(operation, 'path'), encodedNonsense, fc.boolean()),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ([operation, { name }, value, inQuery]) => {
        const path = inQuery
          ? `${pathOf(operation).split('?')[0]}?cursor=${value}`
          : pathOf(operation, { [name]: 'MARK' }).replace('MARK', value);
        const reply = await all.ask(operation, { method: operation.method, path });
        expect([nameOf(operation), path, reply.status]).toEqual([nameOf(operation), path, 400]);
      }),
      RUNS,
    );
  });
});

describe('a token whose subject no store can keep is refused', () => {
  test('on any route, and creates no pseudonym', async () => {
    const before = await Promise.all(['\ufffd', 'alice'].map((subject) => pseudonymOf(subject)));
    await fc.assert(
      fc.asyncProperty(
        anyOperation(({ roles }) => roles.length > 0),
        unstorable,
        async (operation, subject) => {
          const as = await all.issuer.token({ subject, roles: operation.roles });
          const reply = await all.ask(operation, { method: operation.method, path: pathOf(operation) }, as);
          expect([nameOf(operation), reply.status]).toEqual([nameOf(operation), 401]);
        },
      ),
      RUNS,
    );
    expect(new Set(before).size).toBe(2);
  });

  test('while two valid subjects are never the same shopper', async () => {
    const subjects = [
      'é',
      'e\u0301',
      'É',
      'ﬁ',
      'fi',
      ' a',
      'a',
      'a ',
      'A',
      '\u212b',
      '\u00c5',
      '💚',
      '__proto__',
    ];
    expect(new Set(await Promise.all(subjects.map(pseudonymOf))).size).toBe(subjects.length);
  });
});

/** The id of an event's shopper, which is all that followers know about a subject. */
async function pseudonymOf(subject: string): Promise<string> {
  const token = await all.token('shopper', subject);
  const cart = { service: 'cart-service', roles: ['shopper'] } as const;
  const opened = await all.ask(cart, { method: 'POST', path: '/carts' }, token);
  expect(opened.status).toBe(201);
  const closing = JSON.stringify({ reason: 'abandoned' });
  const asking = {
    method: 'POST',
    path: `/carts/${opened.body.id}/close`,
    headers: JSON_TYPE,
    body: closing,
  };
  const position = (await all.ask(cart, asking, token)).headers.position as string;
  const [, partition, sequence] = /\/(\d+)@(\d+)$/.exec(position)!;
  const reader = { service: 'cart-service', roles: ['service'] } as const;
  const path = `/events/${partition}?after=${Number(sequence) - 1}&limit=1`;
  const page = await all.ask(reader, { method: 'GET', path });
  return page.body[0].data.shopper;
}
