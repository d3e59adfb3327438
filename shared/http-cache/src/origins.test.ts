import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Send } from '@micromart/http/client/send';
import fc from 'fast-check';
import { type AskOrigin, createOrigins, LATE_IN_A_ROW } from './origins.ts';

type Outcome = 200 | 500 | 502 | 503 | 504 | 'late' | 'reset' | 'refused';

let outcome: Outcome;
let asked: string[];
let nowMs: number;
let ask: AskOrigin;

const send: Send = async ({ url }) => {
  asked.push(url);
  if (outcome === 'late') throw new Error('did not answer within 1 s');
  if (outcome === 'reset') throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
  if (outcome === 'refused') throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  return { status: outcome, headers: {}, body: Buffer.alloc(0), framed: true };
};

beforeEach(() => {
  asked = [];
  nowMs = 0;
  ask = createOrigins({
    send,
    clock: () => nowMs,
    limits: { timeoutMs: 1_000, maxAnswerBytes: 1_000, attempts: 1, pauseMs: 1_000 },
    onRequest: () => {},
  });
});

/** Whether the origin was asked. */
const isAsked = async (answer: Outcome, host = 'catalog') => {
  outcome = answer;
  const before = asked.length;
  await ask({ method: 'GET', url: `http://${host}/${before}`, headers: {} }, { attempts: 1 });
  return asked.length > before;
};

describe('an origin', () => {
  test.each([['refused'], [502], [503], [504]] as const)(
    'is not asked for a pause after one %s',
    async (answer) => {
      await isAsked(answer);
      expect(await isAsked(200)).toBe(false);
      expect(await isAsked(200, 'another')).toBe(true);
      nowMs += 1_000;
      expect(await isAsked(200)).toBe(true);
    },
  );

  test.each([['late'], ['reset']] as const)(
    'is not asked for a pause after several %s answers in a row, and not before',
    async (answer) => {
      for (let n = 0; n < LATE_IN_A_ROW; n += 1) expect(await isAsked(answer)).toBe(true);
      expect(await isAsked(200)).toBe(false);
      nowMs += 1_000;
      expect(await isAsked(answer)).toBe(true);
      expect(await isAsked(200)).toBe(false);
      nowMs += 1_000;
      expect(await isAsked(200)).toBe(true);
      expect(await isAsked(answer)).toBe(true);
      expect(await isAsked(200)).toBe(true);
    },
  );

  test('is always asked while it answers at least once between failures', async () => {
    const late = fc.constantFrom<Outcome>('late', 'reset');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(late, { maxLength: LATE_IN_A_ROW - 1 })), async (runs) => {
        for (const answer of runs.flatMap((run): Outcome[] => [...run, 200]))
          expect(await isAsked(answer)).toBe(true);
      }),
    );
  });
});
