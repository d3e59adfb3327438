import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { answering, openOrigin, type TestOrigin } from './testing/origin.ts';

/** In which a hundred answers come even on a busy machine, where client and origin are one process. */
const LATE_MS = 2_000;

let origin: TestOrigin;
beforeEach(async () => {
  origin = await openOrigin();
});
afterEach(() => origin.close());

describe('a failing origin', () => {
  test('is asked again when no stored answer may be used', async () => {
    origin.answer = (_, response) =>
      origin.requests.length < 3 ? response.writeHead(503).end() : response.end('here');
    expect(await origin.client().get(`${origin.url}/a`)).toMatchObject({ status: 200, text: 'here' });
    expect(origin.attempts).toEqual(['failed', 'failed', 'answered']);
  });

  test('is not asked for a second, and then found again', async () => {
    origin.answer = answering('one', { 'cache-control': 'max-age=10, stale-if-error=600' });
    const client = origin.client({ attempts: 1 });
    await client.get(`${origin.url}/a`);
    origin.pass(11);
    await origin.stop();
    expect(await client.get(`${origin.url}/a`)).toMatchObject({ cacheStatus: 'stale' });
    await origin.start();
    expect(await client.get(`${origin.url}/a`)).toMatchObject({ cacheStatus: 'stale' });
    expect(await client.get(`${origin.url}/b`)).toMatchObject({ status: 504 });
    expect(origin.attempts).toHaveLength(2);
    origin.pass(1);
    expect(await client.get(`${origin.url}/a`)).toMatchObject({ cacheStatus: 'fetched' });
  });

  test('is asked for other addresses after a 500, which concerns one address only', async () => {
    const client = origin.client();
    origin.answer = answering('', {}, 500);
    await client.get(`${origin.url}/a`);
    origin.answer = answering('two', {});
    expect(await client.get(`${origin.url}/b`)).toMatchObject({ status: 200, text: 'two' });
  });

  test('that does not answer in time counts as failing', async () => {
    origin.answer = answering('one', { 'cache-control': 'max-age=10, stale-if-error=600' });
    const client = origin.client({ timeoutMs: 100 });
    await client.get(`${origin.url}/a`);
    origin.pass(11);
    origin.answer = () => {};
    expect(await client.get(`${origin.url}/a`)).toMatchObject({ text: 'one', cacheStatus: 'stale' });
    expect((await client.get(`${origin.url}/b`)).text).toBe(`${origin.url} did not answer within 0.1 s`);
  });

  test('that answers one request in a hundred too late fails only those requests', async () => {
    origin.answer = ({ url }, response) => {
      if (!url!.endsWith('37')) response.end('here');
    };
    const client = origin.client({ timeoutMs: LATE_MS });
    for (let hundred = 1; hundred <= 4; hundred += 1) {
      const paths = Array.from({ length: 100 }, (_, n) => `/${hundred * 100 + n}`);
      const answers = await Promise.all(paths.map((path) => client.get(origin.url + path)));
      const failed = paths.filter((_, n) => answers[n]!.status !== 200);
      expect(failed).toEqual([`/${hundred}37`]);
    }
  });

  test('has the cache headers of its 503 honoured, unless a stored answer may be used', async () => {
    origin.answer = answering('one', { 'cache-control': 'max-age=10, stale-if-error=600' });
    const client = origin.client({ attempts: 1, pauseMs: 0 });
    await client.get(`${origin.url}/a`);
    origin.answer = answering('later', { 'cache-control': 'max-age=5' }, 503);
    await client.get(`${origin.url}/b`);
    expect(await client.get(`${origin.url}/b`)).toMatchObject({ status: 503, cacheStatus: 'fresh' });
    origin.pass(11);
    await client.get(`${origin.url}/a`);
    expect(await client.get(`${origin.url}/a`)).toMatchObject({ status: 200, cacheStatus: 'stale' });
  });
});
