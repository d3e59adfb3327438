import { describe, expect, test } from '@jest/globals';
import { isDuplicate, isUnavailable } from './failure.ts';

const failure = (fields: object): Error => Object.assign(new Error('it failed'), fields);

/** A bulk write's error, as the driver creates it. */
const bulk = ({
  codes = [],
  noMajority = false,
  cause,
}: {
  codes?: number[];
  noMajority?: boolean;
  cause?: Error;
}) =>
  failure({
    name: 'MongoBulkWriteError',
    code: codes[0],
    errorResponse: cause,
    result: {
      getWriteErrors: () => codes.map((code) => ({ code })),
      getWriteConcernError: () => (noMajority ? { code: 64 } : undefined),
    },
  });

describe('a database', () => {
  test.each<[string, Error]>([
    ['cannot be reached', failure({ name: 'MongoServerSelectionError' })],
    ['closes the connection', failure({ name: 'MongoNetworkError' })],
    ['steps down', failure({ name: 'MongoServerError', code: 10107 })],
    ['shuts down', failure({ name: 'MongoServerError', code: 91 })],
    ['has no majority', failure({ name: 'MongoWriteConcernError', code: 64 })],
    ['has no majority for a bulk', bulk({ noMajority: true })],
    ['has no majority for a partly refused bulk', bulk({ codes: [11000], noMajority: true })],
    ['closes the connection in a bulk', bulk({ cause: failure({ name: 'MongoNetworkError' }) })],
  ])('is unavailable when it %s', (_, error) => {
    expect([isUnavailable(error), isDuplicate(error)]).toEqual([true, false]);
  });

  test.each<[string, unknown]>([
    ['refuses a document', failure({ name: 'MongoServerError', code: 121 })],
    ['refuses a part of a bulk', bulk({ codes: [11000, 121] })],
    ['is not what failed', new TypeError('x is not a function')],
    ['is used by something that throws no Error', 'a text'],
  ])('is neither unavailable nor reports a duplicate when it %s', (_, error) => {
    expect([isUnavailable(error), isDuplicate(error)]).toEqual([false, false]);
  });

  test.each<[string, Error]>([
    ['in a write', failure({ name: 'MongoServerError', code: 11000 })],
    ['in a bulk', bulk({ codes: [11000, 11000] })],
  ])('reports a duplicate %s', (_, error) => {
    expect([isUnavailable(error), isDuplicate(error)]).toEqual([false, true]);
  });
});
