import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Unusable } from '@micromart/process/unusable';
import { describeOn } from '@micromart/testing/describe-on';
import { MONGODB_START_CAP_MS, testFerretdb } from '@micromart/testing/mongodb';
import type { TestMongodb } from '@micromart/testing/mongodb-engine';
import { openTcpProxy, type TcpProxy } from '@micromart/testing/tcp-proxy';
import { MongoCompatibilityError } from 'mongodb';
import { isUnavailable } from './failure.ts';
import { checkAnswers, type Mongodb, openMongodb, tooOld } from './open.ts';

test.each([
  'mongodb://user:secret@127.0.0.1:1',
  'mongodb://user:secret@127.0.0.1:1/',
  'mongodb://user:secret@127.0.0.1:port/shop',
  'mongodb://user:secret@a,b/shop?replicaSet=a&tls=perhaps',
  'https://user:secret@127.0.0.1/shop',
])('refuses the URL %s without repeating it', (url) => {
  const open = () => openMongodb(url, { max: 1, name: 'test' });
  expect(open).toThrow('mongodb://');
  expect(open).not.toThrow('secret');
});

test.each([
  ['at once', (cause: Error) => cause],
  ['when no server is found fit', (cause: Error) => ({ reason: { compatibilityError: cause.message } })],
  [
    'by one of the servers',
    (cause: Error) => ({ reason: { servers: new Map([['a:1', { error: cause }]]) } }),
  ],
])('says in one line that a server is too old, reported %s', (_, failure) => {
  const cause = new MongoCompatibilityError(
    'Server at a:1 reports maximum wire version 8, 9 (MongoDB 4.4) is needed',
  );
  expect(tooOld(failure(cause))).toBeInstanceOf(Unusable);
  expect(tooOld(failure(cause))!.message).toBe(`MongoDB is too old: ${cause.message}`);
});

test.each([[new Error('unavailable')], [undefined], [{ reason: { servers: new Map() } }]])(
  'takes no other failure for a server that is too old: %p',
  (failure) => {
    expect(tooOld(failure)).toBeUndefined();
  },
);

describeOn(testFerretdb, 'a connection', () => {
  let server: TestMongodb;
  let proxy: TcpProxy;
  let mongodb: Mongodb;

  beforeAll(async () => {
    server = await testFerretdb.start();
  }, MONGODB_START_CAP_MS);

  beforeEach(async () => {
    const url = new URL(server.freshUrl());
    proxy = await openTcpProxy({ host: url.hostname, port: Number(url.port) });
    url.port = String(proxy.port);
    mongodb = openMongodb(url.href, { max: 2, name: 'test' });
  });

  afterEach(async () => {
    await mongodb.close();
    await proxy.close();
  });

  afterAll(() => server?.close());

  test('says whether the database answers, and recovers by itself', async () => {
    expect(await checkAnswers(mongodb)).toEqual({ ok: true });
    proxy.cutAll();
    expect(await checkAnswers(mongodb)).toEqual({ ok: false, detail: 'the database does not answer' });
    proxy.restore();
    expect(await checkAnswers(mongodb)).toEqual({ ok: true });
  });

  test('works once a server that was unavailable at first answers', async () => {
    proxy.cutAll();
    const asked = await Promise.allSettled([mongodb.engine(), mongodb.engine(), checkAnswers(mongodb)]);
    expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    proxy.restore();
    expect(await mongodb.engine()).toMatchObject({ atomicUpdates: false, replicated: false });
    expect(await checkAnswers(mongodb)).toEqual({ ok: true });
  });

  test.each(['one write', 'a bulk'])('fails as unavailable when the reply to %s is cut off', async (what) => {
    await mongodb.engine();
    const goods = mongodb.db.collection('goods');
    await goods.insertOne({ name: 'tea' });
    proxy.cutReplies();
    const document = { name: 'coffee' };
    const write =
      what === 'a bulk' ? goods.bulkWrite([{ insertOne: { document } }]) : goods.insertOne(document);
    const error = await write.catch((thrown) => thrown);
    expect(isUnavailable(error)).toBe(true);
  });
});
