import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { answering, openOrigin, type TestOrigin, tagged } from './testing/origin.ts';

const HOUR_S = 3_600;

let origin: TestOrigin;
beforeEach(async () => {
  origin = await openOrigin();
});
afterEach(() => origin.close());

const many = <T>(times: number, run: () => Promise<T>) => Promise.all(Array.from({ length: times }, run));

describe('the eleven behaviours', () => {
  test('a fresh answer is reused without asking the origin', async () => {
    origin.answer = answering('one', { 'cache-control': 'max-age=3600' });
    const client = origin.client();
    await client.get(`${origin.url}/a`);
    origin.pass(HOUR_S - 1);
    const again = await client.get(`${origin.url}/a`);
    expect(again).toMatchObject({ status: 200, text: 'one', cacheStatus: 'fresh', freshForMs: 1_000 });
    expect(again.headers).toMatchObject({ age: '3599', 'cache-status': 'test; hit; ttl=1' });
    expect(origin.requests).toHaveLength(1);
  });

  test('a stale answer is validated by its tag and its time', async () => {
    origin.answer = answering('one', {
      'cache-control': 'max-age=3600',
      etag: '"a"',
      'last-modified': 'Sun, 01 Nov 2026 00:00:00 GMT',
    });
    const client = origin.client();
    await client.get(`${origin.url}/a`);
    origin.pass(HOUR_S);
    await client.get(`${origin.url}/a`);
    expect(origin.requests[1]!.headers).toMatchObject({
      'if-none-match': '"a"',
      'if-modified-since': 'Sun, 01 Nov 2026 00:00:00 GMT',
    });
  });

  test('after a 304 the caller gets the stored body with renewed headers', async () => {
    origin.answer = tagged('one', '"a"');
    const client = origin.client();
    await client.get(`${origin.url}/a`);
    origin.pass(HOUR_S);
    const renewed = await client.get(`${origin.url}/a`);
    expect(renewed).toMatchObject({
      status: 200,
      text: 'one',
      cacheStatus: 'revalidated',
      freshForMs: 1_800_000,
    });
    expect(renewed.headers).toMatchObject({
      etag: '"a"',
      'cache-control': 'max-age=1800',
      age: '0',
      'cache-status': 'test; fwd=stale; fwd-status=304; ttl=1800',
    });
  });

  test('after a 304 the answer is reused for its new lifetime', async () => {
    origin.answer = tagged('one', '"a"');
    const client = origin.client();
    await client.get(`${origin.url}/a`);
    origin.pass(HOUR_S);
    await client.get(`${origin.url}/a`);
    origin.pass(HOUR_S / 2 - 1);
    expect(await client.get(`${origin.url}/a`)).toMatchObject({ text: 'one', cacheStatus: 'fresh' });
    expect(origin.requests).toHaveLength(2);
  });

  test('after a 304 the origin is asked again when the new lifetime is over', async () => {
    origin.answer = tagged('one', '"a"');
    const client = origin.client();
    await client.get(`${origin.url}/a`);
    origin.pass(HOUR_S);
    await client.get(`${origin.url}/a`);
    origin.pass(HOUR_S / 2);
    expect(await client.get(`${origin.url}/a`)).toMatchObject({ text: 'one', cacheStatus: 'revalidated' });
    expect(origin.requests).toHaveLength(3);
  });

  test.each([500, 502, 503, 504])(
    'a stale answer replaces a %d while its owner allows it',
    async (status) => {
      origin.answer = answering('one', { 'cache-control': 'max-age=3600, stale-if-error=60' });
      const client = origin.client();
      await client.get(`${origin.url}/a`);
      origin.answer = answering('down', {}, status);
      origin.pass(HOUR_S + 59);
      const stale = await client.get(`${origin.url}/a`);
      expect(stale).toMatchObject({
        status: 200,
        text: 'one',
        cacheStatus: 'stale',
        freshForMs: 0,
        usableForMs: 1_000,
      });
      expect(stale.headers['cache-status']).toContain('ttl=-59');
      origin.pass(1);
      expect(await client.get(`${origin.url}/a`)).toMatchObject({ status });
    },
  );

  test('a stale answer is used while the origin refuses connections, as long as its owner allows it', async () => {
    origin.answer = answering('one', { 'cache-control': 'max-age=3600, stale-if-error=60' });
    const client = origin.client();
    await client.get(`${origin.url}/a`);
    await origin.stop();
    origin.pass(HOUR_S + 59);
    expect(await client.get(`${origin.url}/a`)).toMatchObject({ text: 'one', cacheStatus: 'stale' });
    origin.pass(1);
    const late = await client.get(`${origin.url}/a`);
    expect(late).toMatchObject({ status: 504, cacheStatus: 'unavailable' });
    expect(late.text).toContain('ECONNREFUSED');
  });

  test('twenty concurrent misses of one address make one request', async () => {
    origin.answer = answering('one', { 'cache-control': 'max-age=3600' });
    const client = origin.client();
    const answers = await many(20, () => client.get(`${origin.url}/a`));
    expect(new Set(answers.map(({ text }) => text))).toEqual(new Set(['one']));
    expect(origin.requests).toHaveLength(1);
  });

  test('twenty concurrent requests for one stale answer make one request', async () => {
    origin.answer = tagged('one', '"a"');
    const client = origin.client();
    await client.get(`${origin.url}/a`);
    origin.pass(HOUR_S);
    const answers = await many(20, () => client.get(`${origin.url}/a`));
    expect(answers.every(({ text, freshForMs }) => text === 'one' && freshForMs === 1_800_000)).toBe(true);
    expect(origin.requests).toHaveLength(2);
  });

  test('an answer with no-store is not stored', async () => {
    origin.answer = answering('one', { 'cache-control': 'no-store, max-age=3600' });
    const client = origin.client();
    await client.get(`${origin.url}/a`);
    expect(client.memory.entries).toBe(0);
    expect(await client.get(`${origin.url}/a`)).toMatchObject({ cacheStatus: 'fetched', freshForMs: 0 });
    expect(origin.requests).toHaveLength(2);
  });

  test('an answer marked private is stored, because the cache is private', async () => {
    origin.answer = answering('one', { 'cache-control': 'private, max-age=3600' });
    const client = origin.client();
    await client.get(`${origin.url}/a`);
    expect(await client.get(`${origin.url}/a`)).toMatchObject({ cacheStatus: 'fresh' });
  });
});

describe('a directive of the owner:', () => {
  test.each(['must-revalidate', 'no-cache'])('%s forbids stale answers, even in an outage', async (word) => {
    origin.answer = answering('one', {
      'cache-control': `max-age=10, stale-if-error=600, ${word}`,
      etag: '"a"',
    });
    const client = origin.client({ attempts: 1, pauseMs: 0 });
    await client.get(`${origin.url}/a`);
    origin.pass(11);
    await origin.stop();
    expect(await client.get(`${origin.url}/a`)).toMatchObject({ status: 504 });
    expect(await client.get(`${origin.url}/a`, { headers: { 'cache-control': 'max-stale' } })).toMatchObject({
      status: 504,
    });
  });

  test('must-revalidate allows reuse while the answer is fresh', async () => {
    origin.answer = answering('one', { 'cache-control': 'max-age=10, must-revalidate' });
    const client = origin.client();
    await client.get(`${origin.url}/a`);
    origin.pass(9);
    expect(await client.get(`${origin.url}/a`)).toMatchObject({ cacheStatus: 'fresh' });
  });
});

describe('many requests at once', () => {
  test('500 for one stale product make one request', async () => {
    origin.answer = tagged('one', '"a"', 'max-age=3600, stale-if-error=600');
    const client = origin.client();
    await client.get(`${origin.url}/a`);
    origin.pass(HOUR_S);
    const answers = await many(500, () => client.get(`${origin.url}/a`));
    expect(answers.filter(({ freshForMs }) => freshForMs > 0)).toHaveLength(500);
    expect(origin.requests).toHaveLength(2);
  });

  test('500 are all answered with the stale answer after one refused attempt', async () => {
    origin.answer = tagged('one', '"a"', 'max-age=3600, stale-if-error=600');
    const client = origin.client();
    await client.get(`${origin.url}/a`);
    origin.pass(HOUR_S);
    await origin.stop();
    const answers = await many(500, () => client.get(`${origin.url}/a`));
    expect(answers.filter(({ cacheStatus, text }) => cacheStatus === 'stale' && text === 'one')).toHaveLength(
      500,
    );
    expect(origin.attempts).toEqual(['answered', 'failed']);
  });

  test('ask the origin each on their own when the shared answer may not serve them', async () => {
    origin.answer = (request, response) => response.end(request.headers['x-caller']);
    const client = origin.client();
    const answers = await Promise.all(
      ['a', 'b', 'c'].map((caller) => client.get(`${origin.url}/a`, { headers: { 'x-caller': caller } })),
    );
    expect(answers.map(({ text }) => text)).toEqual(['a', 'b', 'c']);
  });

  test('share a failure too, and do not ask again', async () => {
    origin.answer = answering('secret of the first', {}, 500);
    const client = origin.client();
    const [first, ...others] = await many(10, () => client.get(`${origin.url}/a`));
    expect(first).toMatchObject({ status: 500, text: 'secret of the first' });
    for (const other of others)
      expect(other).toMatchObject({ status: 504, text: `${origin.url} answered 500` });
    expect(origin.requests).toHaveLength(1);
  });

  test('an aborted one leaves the answer to the others and to the memory', async () => {
    const { promise: asked, resolve: onAsked } = Promise.withResolvers<() => void>();
    origin.answer = (_, response) =>
      onAsked(() => response.writeHead(200, { 'cache-control': 'max-age=60' }).end('one'));
    const client = origin.client();
    const giveUp = new AbortController();
    const first = client.get(`${origin.url}/a`, { signal: giveUp.signal });
    const second = client.get(`${origin.url}/a`);
    const answerNow = await asked;
    giveUp.abort(new Error('gave up'));
    await expect(first).rejects.toThrow('gave up');
    answerNow();
    expect(await second).toMatchObject({ text: 'one' });
    expect(await client.get(`${origin.url}/a`)).toMatchObject({ cacheStatus: 'fresh' });
    expect(origin.requests).toHaveLength(1);
  });
});
