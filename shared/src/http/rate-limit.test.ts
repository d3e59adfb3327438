import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createRateLimit } from './rate-limit.ts';

describe('rate limit', () => {
  test("lets a second's worth pass at once, then says how long to wait", () => {
    let timeMs = 5_000;
    const limit = createRateLimit({ perSecond: 4, now: () => timeMs });
    expect([1, 2, 3, 4].map(() => limit('alice'))).toEqual([undefined, undefined, undefined, undefined]);
    expect(limit('alice')).toBeCloseTo(0.25);
    timeMs += 250;
    expect(limit('alice')).toBeUndefined();
    expect(limit('alice')).toBeCloseTo(0.25);
  });

  test('counts each caller alone', () => {
    const limit = createRateLimit({ perSecond: 1, now: () => 0 });
    expect(limit('alice')).toBeUndefined();
    expect(limit('alice')).toBeDefined();
    expect(limit('bob')).toBeUndefined();
    expect(limit('__proto__')).toBeUndefined();
  });

  test('lets pass what the rate allows, neither more nor less', () => {
    const gapsMs = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), gapsMs, (perSecond, gaps) => {
        let timeMs = 0;
        const limit = createRateLimit({ perSecond, now: () => timeMs });
        const passedAtMs: number[] = [];
        for (const gapMs of gaps) {
          timeMs += gapMs;
          const isTooMany = passedAtMs.some(
            (fromMs, n) => passedAtMs.length - n + 1 > perSecond * (1 + (timeMs - fromMs) / 1_000) + 1e-6,
          );
          expect(limit('alice') !== undefined).toBe(isTooMany);
          if (!isTooMany) passedAtMs.push(timeMs);
        }
      }),
    );
  });
});
