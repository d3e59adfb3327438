import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { answering, openOrigin, type TestOrigin, tagged } from './testing/origin.ts';

let origin: TestOrigin;
beforeEach(async () => {
  origin = await openOrigin();
});
afterEach(() => origin.close());

describe('a cached answer', () => {
  const token = (claims: object, signature: string) =>
    `Bearer e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
  const cart = { iss: 'https://issuer.test', sub: 'cart', roles: ['service'] };

  beforeEach(() => {
    origin.answer = answering('one', { 'cache-control': 'private, max-age=60', vary: 'Authorization' });
  });

  const isAnsweredFromMemory = async (second: string) => {
    const client = origin.client();
    await client.get(`${origin.url}/a`, { headers: { authorization: token({ ...cart, exp: 1 }, 'first') } });
    const { cacheStatus } = await client.get(`${origin.url}/a`, { headers: { authorization: second } });
    return cacheStatus === 'fresh';
  };

  test('serves a caller with a renewed token', async () => {
    expect(await isAnsweredFromMemory(token({ ...cart, exp: 2 }, 'second'))).toBe(true);
  });

  test.each([
    ['another subject', token({ ...cart, sub: 'tracking' }, 'x')],
    ['other roles', token({ ...cart, roles: ['service', 'operator'] }, 'x')],
    ['another issuer', token({ ...cart, iss: 'https://other.test' }, 'x')],
    ['a token that says nothing', 'Bearer opaque'],
  ])('does not serve a caller with %s', async (_, authorization) => {
    expect(await isAnsweredFromMemory(authorization)).toBe(false);
  });
});

describe('the caller', () => {
  test('that sends no-cache gets its answer from the origin', async () => {
    origin.answer = tagged('one', '"a"');
    const client = origin.client();
    await client.get(`${origin.url}/a`);
    const asked = await client.get(`${origin.url}/a`, { headers: { 'cache-control': 'no-cache' } });
    expect(asked).toMatchObject({ text: 'one', cacheStatus: 'revalidated' });
    expect(origin.requests).toHaveLength(2);
  });

  test('that has the stored answer gets a 304 without a request to the origin', async () => {
    origin.answer = tagged('one', '"a"');
    const client = origin.client();
    await client.get(`${origin.url}/a`);
    const answer = await client.get(`${origin.url}/a`, { headers: { 'if-none-match': '"b", "a"' } });
    expect(answer).toMatchObject({ status: 304, text: '', cacheStatus: 'fresh', freshForMs: 3_600_000 });
    expect(origin.requests).toHaveLength(1);
  });

  test('that has an answer not stored here gets the 304 of the origin and its lifetime', async () => {
    origin.answer = tagged('one', '"a"');
    const client = origin.client();
    const answer = await client.get(`${origin.url}/a`, { headers: { 'if-none-match': '"a"' } });
    expect(answer).toMatchObject({ status: 304, cacheStatus: 'fetched', freshForMs: 1_800_000 });
    expect(client.memory.entries).toBe(0);
  });

  test('that has the stored answer gets no 304 when its validity is unknown', async () => {
    origin.answer = tagged('one', '"a"', 'max-age=10, stale-if-error=60');
    const client = origin.client();
    await client.get(`${origin.url}/a`);
    origin.pass(11);
    await origin.stop();
    const answer = await client.get(`${origin.url}/a`, { headers: { 'if-none-match': '"a"' } });
    expect(answer).toMatchObject({ status: 200, text: 'one', cacheStatus: 'stale' });
  });

  test('that sends only-if-cached gets a 504 when nothing is stored', async () => {
    const answer = await origin
      .client()
      .get(`${origin.url}/a`, { headers: { 'cache-control': 'only-if-cached' } });
    expect(answer).toMatchObject({ status: 504, cacheStatus: 'unavailable' });
    expect(origin.requests).toHaveLength(0);
  });

  test('that changes something invalidates what it may have changed', async () => {
    origin.answer = (request, response) =>
      request.method === 'GET'
        ? response.writeHead(200, { 'cache-control': 'max-age=60' }).end()
        : response.writeHead(201, { location: '/b#part', 'content-location': 'http://other.test/c' }).end();
    const client = origin.client();
    for (const path of ['a', 'b', 'c']) await client.get(`${origin.url}/${path}`);
    await client.send(`${origin.url}/a`, { method: 'POST', body: '{}' });
    expect(client.memory.entries).toBe(1);
    expect(await client.get(`${origin.url}/c`)).toMatchObject({ cacheStatus: 'fresh' });
  });

  test('that changes something prevents storing answers requested before', async () => {
    const { promise: asked, resolve: onAsked } = Promise.withResolvers<() => void>();
    origin.answer = (request, response) =>
      request.method === 'GET'
        ? onAsked(() => response.writeHead(200, { 'cache-control': 'max-age=60' }).end('before'))
        : response.end();
    const client = origin.client();
    const before = client.get(`${origin.url}/a`);
    const answerNow = await asked;
    await client.send(`${origin.url}/a`, { method: 'PUT' });
    answerNow();
    expect(await before).toMatchObject({ text: 'before' });
    expect(client.memory.entries).toBe(0);
  });

  test('gets an error for an invalid address', async () => {
    await expect(origin.client().get('nowhere')).rejects.toThrow('Invalid URL');
  });
});
