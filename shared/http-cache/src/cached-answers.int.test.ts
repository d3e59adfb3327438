import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { answering, openOrigin, type TestOrigin } from './testing/origin.ts';

let origin: TestOrigin;
beforeEach(async () => {
  origin = await openOrigin();
});
afterEach(() => origin.close());

describe('an answer', () => {
  test('that something does not exist is used for its own lifetime', async () => {
    origin.answer = answering('no such product', { 'cache-control': 'max-age=10' }, 404);
    const client = origin.client();
    await client.get(`${origin.url}/a`);
    origin.pass(9);
    expect(await client.get(`${origin.url}/a`)).toMatchObject({ status: 404, cacheStatus: 'fresh' });
    origin.answer = answering('here', {});
    origin.pass(1);
    expect(await client.get(`${origin.url}/a`)).toMatchObject({ status: 200, text: 'here' });
  });

  test('has its age counted from its request, not from its arrival', async () => {
    origin.answer = (_, response) => {
      origin.pass(7);
      response.writeHead(200, { 'cache-control': 'max-age=10' }).end('one');
    };
    const client = origin.client();
    expect(await client.get(`${origin.url}/a`)).toMatchObject({ ageMs: 7_000, freshForMs: 3_000 });
  });

  test('has at least the age that caches before this one report', async () => {
    origin.answer = answering('one', {
      'cache-control': 'max-age=10',
      age: '7',
      'cache-status': 'edge; hit',
    });
    const client = origin.client();
    await client.get(`${origin.url}/a`);
    origin.pass(2);
    const again = await client.get(`${origin.url}/a`);
    expect(again.headers).toMatchObject({ age: '9', 'cache-status': 'edge; hit, test; hit; ttl=1' });
  });

  test('replaces the one before even if it may not be stored', async () => {
    origin.answer = answering('one', { 'cache-control': 'max-age=10, stale-if-error=600' });
    const client = origin.client({ attempts: 1 });
    await client.get(`${origin.url}/a`);
    origin.pass(11);
    origin.answer = answering('two', { 'cache-control': 'no-store' });
    await client.get(`${origin.url}/a`);
    await origin.stop();
    expect(await client.get(`${origin.url}/a`)).toMatchObject({ status: 504 });
  });

  test('to an earlier request does not replace one to a later request', async () => {
    const { promise: asked, resolve: onAsked } = Promise.withResolvers<(text: string) => void>();
    const headers = { 'cache-control': 'max-age=60' };
    origin.answer = (_, response) => onAsked((text) => response.writeHead(200, headers).end(text));
    const client = origin.client();
    const early = client.get(`${origin.url}/a`);
    const answerEarly = await asked;
    origin.answer = answering('new', headers);
    await client.get(`${origin.url}/a`, { headers: { 'cache-control': 'no-cache' } });
    answerEarly('old');
    expect(await early).toMatchObject({ text: 'old' });
    expect(await client.get(`${origin.url}/a`)).toMatchObject({ text: 'new', cacheStatus: 'fresh' });
  });

  test('is stored by the headers that it varies with', async () => {
    origin.answer = (request, response) =>
      response
        .writeHead(200, { 'cache-control': 'max-age=60', vary: 'Accept-Language' })
        .end(`in ${request.headers['accept-language']}`);
    const client = origin.client();
    const ask = (language: string) =>
      client.get(`${origin.url}/a`, { headers: { 'accept-language': language } });
    for (const language of ['de', 'en', 'de', 'en'])
      expect((await ask(language)).text).toBe(`in ${language}`);
    expect(origin.requests).toHaveLength(2);
  });
});
