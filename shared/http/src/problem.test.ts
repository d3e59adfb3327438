import { describe, expect, test } from '@jest/globals';
import { problem, problemAnswer } from './problem.ts';

describe('problem', () => {
  test('becomes problem details', () => {
    const errors = [{ path: 'body.items', message: 'is required' }];
    expect(problemAnswer(problem('invalid', 'Look at errors.', { errors }), '/carts')).toEqual({
      status: 400,
      headers: { 'Content-Type': 'application/problem+json' },
      body: {
        type: '/problems/invalid',
        title: 'The request is not valid',
        status: 400,
        detail: 'Look at errors.',
        instance: '/carts',
        errors,
      },
    });
  });

  test('may be of a more precise type than its code', () => {
    const { status, body } = problemAnswer(
      problem('conflict', 'Gone.', { type: 'source-replaced' }),
      '/events',
    );
    expect([status, body.type]).toEqual([409, '/problems/source-replaced']);
  });

  test('says how long to wait in whole seconds, one second by default', () => {
    const wait = (retryAfterS?: number) =>
      problemAnswer(
        problem('unavailable', 'Unavailable.', retryAfterS === undefined ? {} : { retryAfterS }),
        '/',
      ).headers;
    expect(wait()['Retry-After']).toBe('1');
    expect(wait(0.2)['Retry-After']).toBe('1');
    expect(wait(2.1)['Retry-After']).toBe('3');
  });

  test('asks for a token, unless the problem has its own challenge', () => {
    const challenge = (headers?: Record<string, string>) =>
      problemAnswer(problem('unauthenticated', 'No.', headers ? { headers } : {}), '/').headers[
        'WWW-Authenticate'
      ];
    expect(challenge()).toBe('Bearer');
    expect(challenge({ 'WWW-Authenticate': 'Bearer error="invalid_token"' })).toContain('invalid_token');
  });

  test('repeats no more of a path than 200 characters', () => {
    expect(problemAnswer(problem('not-found', 'No.'), `/${'a'.repeat(500)}`).body.instance).toHaveLength(200);
  });
});
