import { expect, test } from '@jest/globals';
import { isConnectionLoss, isUnavailable, violatedConstraint } from './failure.ts';

const failure = (message: string, rest: object = {}) => Object.assign(new Error(message), rest);

test.each([
  ['write EPIPE', { code: 'EPIPE', syscall: 'write', errno: -32 }],
  ['read ECONNRESET', { code: 'ECONNRESET', syscall: 'read', errno: -104 }],
  ['Connection terminated unexpectedly', {}],
  ['terminating connection due to administrator command', { code: '57P01' }],
])('the database is unavailable, and the connection is lost: %s', (message, rest) => {
  const error = failure(message, rest);
  expect([isUnavailable(error), isConnectionLoss(error)]).toEqual([true, true]);
});

test('a deadlock may be retried, and loses no connection', () => {
  const deadlock = failure('deadlock detected', { code: '40P01' });
  expect([isUnavailable(deadlock), isConnectionLoss(deadlock)]).toEqual([true, false]);
});

test('an error of a statement or of the code does not make the database unavailable', () => {
  const others = [failure('division by zero', { code: '22012' }), failure('x is not a function'), undefined];
  expect(others.map(isUnavailable)).toEqual([false, false, false]);
});

test('a violated constraint is named', () => {
  const taken = failure('duplicate key', { code: '23505', constraint: 'carts_pkey' });
  expect([violatedConstraint(taken), violatedConstraint(failure('write EPIPE', { code: 'EPIPE' }))]).toEqual([
    'carts_pkey',
    undefined,
  ]);
});
