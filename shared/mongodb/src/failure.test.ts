import { describe, expect, test } from '@jest/globals';
import { isDuplicate, isUnavailable } from './failure.ts';

const failure = (fields: object): Error => Object.assign(new Error('it failed'), fields);

/** A bulk write's error, as the driver makes it. */
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
    ['breaks the connection off', failure({ name: 'MongoNetworkError' })],
    ['steps down', failure({ name: 'MongoServerError', code: 10107 })],
    ['shuts down', failure({ name: 'MongoServerError', code: 91 })],
    ['has no majority', failure({ name: 'MongoWriteConcernError', code: 64 })],
    ['has no majority for a bulk', bulk({ noMajority: true })],
    ['has no majority for a bulk of which a part was refused', bulk({ codes: [11000], noMajority: true })],
    ['breaks the connection off in a bulk', bulk({ cause: failure({ name: 'MongoNetworkError' }) })],
  ])('is away when it %s', (_, error) => {
    expect([isUnavailable(error), isDuplicate(error)]).toEqual([true, false]);
  });

  test.each<[string, unknown]>([
    ['refuses a document', failure({ name: 'MongoServerError', code: 121 })],
    ['refuses a part of a bulk', bulk({ codes: [11000, 121] })],
    ['is not what failed', new TypeError('x is not a function')],
    ['is asked by something that throws no error', 'a text'],
  ])('is neither away nor has a key twice when it %s', (_, error) => {
    expect([isUnavailable(error), isDuplicate(error)]).toEqual([false, false]);
  });

  test.each<[string, Error]>([
    ['in a write', failure({ name: 'MongoServerError', code: 11000 })],
    ['in a bulk', bulk({ codes: [11000, 11000] })],
  ])('has a key twice %s', (_, error) => {
    expect([isUnavailable(error), isDuplicate(error)]).toEqual([false, true]);
  });
});
