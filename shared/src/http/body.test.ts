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

const depthOfValue = (value: unknown): number =>
  typeof value === 'object' && value !== null
    ? 1 + Object.values(value).reduce((deepest: number, one) => Math.max(deepest, depthOfValue(one)), 0)
    : 0;

describe('body', () => {
  test('is put together from its pieces', async () => {
    const text = bytes('{"name":"Käse"}');
    expect(await readJson(request([text.subarray(0, 11), text.subarray(11)]))).toEqual({ name: 'Käse' });
  });

  test('is undefined where there is none', async () => {
    expect(await readJson(request([]))).toBeUndefined();
  });

  test.each([
    ['application/json', '{}'],
    ['Application/JSON; charset="UTF-8"', '{}'],
    ['application/json;charset=utf-16', 'unsupported-media-type'],
    ['application/json; charset=utf-8; x=1', 'unsupported-media-type'],
    ['application/jsonx', 'unsupported-media-type'],
    ['text/plain', 'unsupported-media-type'],
    ['', 'unsupported-media-type'],
  ])('of the type "%s" gives %s', async (type, outcome) => {
    expect(await codeOf(readJson(request([bytes('{}')], { 'content-type': type })))).toBe(outcome);
  });

  test('is not unpacked', async () => {
    const packed = request([bytes('{}')], { 'content-encoding': 'gzip' });
    expect(await codeOf(readJson(packed))).toBe('unsupported-media-type');
  });

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

  test('is refused when it is nested too deeply to be walked', async () => {
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

  test('has the depth that its value has', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        expect(depthOf(bytes(JSON.stringify(value)))).toBe(depthOfValue(value));
      }),
    );
  });
});
