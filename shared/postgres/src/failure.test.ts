import { expect, test } from '@jest/globals';
import { isConnectionLoss, isUnavailable, violatedConstraint } from './failure.ts';

const failure = (message: string, rest: object = {}) => Object.assign(new Error(message), rest);

test.each([
  ['write EPIPE', { code: 'EPIPE', syscall: 'write', errno: -32 }],
  ['read ECONNRESET', { code: 'ECONNRESET', syscall: 'read', errno: -104 }],
  ['Connection terminated unexpectedly', {}],
  ['terminating connection due to administrator command', { code: '57P01' }],
])('the database is away, and the connection lost: %s', (message, rest) => {
  const error = failure(message, rest);
  expect([isUnavailable(error), isConnectionLoss(error)]).toEqual([true, true]);
});

test('a deadlock may be tried again, and no connection was lost by it', () => {
  const deadlock = failure('deadlock detected', { code: '40P01' });
  expect([isUnavailable(deadlock), isConnectionLoss(deadlock)]).toEqual([true, false]);
});

test('the database is not to blame for what is wrong with the question, or the code', () => {
  const others = [failure('division by zero', { code: '22012' }), failure('x is not a function'), undefined];
  expect(others.map(isUnavailable)).toEqual([false, false, false]);
});

test('a violated constraint is known by its name', () => {
  const taken = failure('duplicate key', { code: '23505', constraint: 'carts_pkey' });
  expect([violatedConstraint(taken), violatedConstraint(failure('write EPIPE', { code: 'EPIPE' }))]).toEqual([
    'carts_pkey',
    undefined,
  ]);
});
