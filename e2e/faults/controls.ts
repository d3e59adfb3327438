/**
 * The controls: each differs from the product in one part, replaced from outside in its own process, and must be caught
 * by the same harness with the same seeds. A harness that acquits them would acquit anything.
 */
import type { Evidence } from './evidence/evidence.ts';
import { runHardWriters } from './hard-writers.ts';
import type { JudgeName } from './judges.ts';
import { SCENARIOS } from './scenarios.ts';
import type { Replaced } from './system/system.ts';
import { type Dose, type RunOptions, runUnderLoad } from './under-load.ts';

export type Control = {
  readonly says: string;
  /** Who must object, and in which words. */
  readonly caughtBy: JudgeName;
  readonly objecting: RegExp;
  run(options: RunOptions): Promise<Evidence>;
};

const CART = 'cart-service';
const TRACKING = 'shopper-tracking-service';
/** A commit takes long, so that a fault comes upon it in the middle. */
const SLOW_COMMITS_MS = 80;

const underLoad =
  (replaced: Replaced, dose: Dose, change: Partial<typeof BASE> = {}) =>
  (options: RunOptions): Promise<Evidence> =>
    runUnderLoad({ ...BASE, ...change }, dose, { ...options, replaced });

const BASE: {
  says: string;
  sides: 1 | 2;
  viaProxy: boolean;
  slowCommitsMs: number;
  demands: Record<string, number>;
} = { ...SCENARIOS['cut-replies'], demands: {} };

export const CONTROLS = {
  'position later': {
    says: 'the position is stored after the effect, in a transaction of its own',
    caughtBy: 'counts',
    objecting: / is counted /,
    run: underLoad(
      [TRACKING, 'e2e/faults/controls/position-later/main.ts'],
      { 'cut tracking store': 6, 'kill tracking': 2 },
      { slowCommitsMs: SLOW_COMMITS_MS },
    ),
  },
  'no fence': {
    says: 'the effect is written without the fence',
    caughtBy: 'counts',
    objecting: / is counted /,
    run: underLoad(
      [TRACKING, 'e2e/faults/controls/no-fence/main.ts'],
      { 'freeze leader': 3 },
      { sides: 2, viaProxy: false, slowCommitsMs: SCENARIOS['frozen-followers'].slowCommitsMs },
    ),
  },
  'id > last': {
    says: 'a follower reads what lies above the last number it saw, of a column that numbers insertions',
    caughtBy: 'followers',
    objecting: / skipped /,
    run: (options) => runHardWriters({ says: '', followers: 'numbers' }, { events: 4_000 }, options),
  },
  'no idempotency': {
    says: 'nothing is remembered of an Idempotency-Key',
    caughtBy: 'changes',
    objecting: / happened \d+ times/,
    run: underLoad([CART, 'e2e/faults/controls/no-idempotency/main.ts'], { 'cut shop': 4 }),
  },
  'last one wins': {
    says: 'a cart is written whole, whatever has become of it meanwhile',
    caughtBy: 'carts',
    objecting: / its events come to /,
    run: underLoad([CART, 'e2e/faults/controls/last-one-wins/main.ts'], { 'cut shop': 4 }),
  },
} as const satisfies Readonly<Record<string, Control>>;

export type ControlName = keyof typeof CONTROLS;
