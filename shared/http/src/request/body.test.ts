import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { depthOf, readJson } from './body.ts';

const bytes = (text: string) => Buffer.from(text);

function request(chunks: readonly Buffer[], headers: Record<string, string> = {}): IncomingMessage {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const all = { 'content-type': 'application/json', 'content-length': String(length), ...headers };
  return Object.assign(Readable.from(chunks, { objectMode: false }), {
    headers: all,
  }) as unknown as IncomingMessage;
}

const codeOf = (promise: Promise<unknown>) => promise.then(JSON.stringify, (error) => error.code);

/** As a quoted string (RFC 9110, 5.6.4), without the characters that it cannot contain. */
const quote = (text: string) => `"${text.replace(/[^\t\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')}"`;

const depthOfValue = (value: unknown): number =>
  typeof value === 'object' && value !== null
    ? 1 + Object.values(value).reduce((deepest: number, one) => Math.max(deepest, depthOfValue(one)), 0)
    : 0;

describe('body', () => {
  test('is assembled from its chunks', async () => {
    const text = bytes('{"name":"Käse"}');
    expect(await readJson(request([text.subarray(0, 11), text.subarray(11)]))).toEqual({ name: 'Käse' });
  });

  test('is undefined where there is none', async () => {
    expect(await readJson(request([]))).toBeUndefined();
  });

  test.each([
    'application/json',
    'Application/JSON; charset="UTF-8"',
    'application/json;',
    'application/json ; ;',
    'application/json;charset=utf8',
    'application/json; charset=',
    'application/json; charset=utf-8; x=1',
    'application/json;x="a;b\\"c, text/plain"',
    'application/json; profile="https://example.com/cart"; q',
    // Parameters have no meaning for JSON (RFC 8259, 11): the bytes are UTF-8, or the body is refused.
    'application/json;charset=utf-16',
  ])('of the type %j is JSON', async (type) => {
    expect(await codeOf(readJson(request([bytes('{}')], { 'content-type': type })))).toBe('{}');
  });

  test.each([
    'application/jsonx',
    'application/json5; a=b',
    'application/json, text/plain',
    'application/x/json',
    'text/json',
    'text/plain; x="application/json"',
    'text/plain',
    'json',
    '/',
    ';application/json',
    '',
  ])('of the type %j is refused', async (type) => {
    expect(await codeOf(readJson(request([bytes('{}')], { 'content-type': type })))).toBe(
      'unsupported-media-type',
    );
  });

  test('is JSON with any parameters', async () => {
    const value = fc.oneof(fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/), fc.string().map(quote));
    const parameters = fc.array(fc.tuple(fc.stringMatching(/^[A-Za-z0-9-]+$/), value));
    await fc.assert(
      fc.asyncProperty(parameters, fc.mixedCase(fc.constant('application/json')), async (given, type) => {
        const header = [type, ...given.map(([name, text]) => `${name}=${text}`)].join(' ; ');
        expect(await codeOf(readJson(request([bytes('{}')], { 'content-type': header })))).toBe('{}');
      }),
    );
  });

  test.each(['', ' ', ',', ' ,, ', 'identity', 'Identity', 'IDENTITY', ', identity ,identity,'])(
    'with no content coding, as in %j, is accepted',
    async (coding) => {
      const one = request([bytes('{}')], { 'content-encoding': coding });
      expect(await codeOf(readJson(one))).toBe('{}');
    },
  );

  test.each(['gzip', 'GZIP', 'identity, gzip', ',br,', 'aws-chunked', 'identityx', 'identity;q=1'])(
    'with a content coding, as in %j, is refused',
    async (coding) => {
      const one = request([bytes('{}')], { 'content-encoding': coding });
      expect(await codeOf(readJson(one))).toBe('unsupported-media-type');
    },
  );

  test.each([
    ['said to be', request([bytes('{}')], { 'content-length': '100001' })],
    [
      'found to be',
      request([Buffer.alloc(60_000, ' '), Buffer.alloc(60_000, ' ')], { 'content-length': '9' }),
    ],
  ])('is refused when it is %s above 100 kB', async (_, one) => {
    expect(await codeOf(readJson(one))).toBe('too-large');
  });

  test.each(['{', '{"a":1}}', 'nonsense', '\u0000', '{"a":undefined}', "{'a':1}", '[1,]'])(
    'is refused as %j',
    async (text) => {
      expect(await codeOf(readJson(request([bytes(text)])))).toBe('invalid');
    },
  );

  test('is refused when it is not UTF-8', async () => {
    expect(await codeOf(readJson(request([Buffer.from([0x22, 0xff, 0x22])])))).toBe('invalid');
  });

  test('is refused when it is nested too deeply', async () => {
    expect(await codeOf(readJson(request([bytes('['.repeat(64) + ']'.repeat(64))])))).not.toBe('invalid');
    expect(await codeOf(readJson(request([bytes('['.repeat(65) + ']'.repeat(65))])))).toBe('invalid');
    expect(await codeOf(readJson(request([bytes('{"a":'.repeat(16_000))])))).toBe('invalid');
  });

  test('is refused when it breaks off', async () => {
    const one = request([bytes('{"a":')]);
    one.once('data', () => one.destroy());
    expect(await codeOf(readJson(one))).toBe('invalid');
  });

  test('keeps __proto__ a field like any other', async () => {
    const body = (await readJson(request([bytes('{"__proto__":{"polluted":true}}')]))) as object;
    expect(Object.keys(body)).toEqual(['__proto__']);
    expect('polluted' in {}).toBe(false);
  });

  test('has the depth of its value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        expect(depthOf(bytes(JSON.stringify(value)))).toBe(depthOfValue(value));
      }),
    );
  });
});
