/**
 * The controls: each differs from the product in one part, replaced from outside in its own process, and must be caught
 * by the same harness with the same seeds. A harness that acquits them would acquit anything.
 */
import type { Evidence } from './evidence/evidence.ts';
import { runHardWriters } from './hard-writers.ts';
import type { JudgeName } from './judges.ts';
import { SCENARIOS, type ScenarioName } from './scenarios.ts';
import type { SystemOptions } from './system/system.ts';
import { type Dose, type LoadScenario, type RunOptions, runUnderLoad } from './under-load.ts';

export type Control = {
  readonly says: string;
  /** Which scenario it is a control of, and runs beside. */
  readonly scenario: ScenarioName;
  /** Who must object, and in which words. */
  readonly caughtBy: JudgeName;
  readonly objecting: RegExp;
  run(options: RunOptions): Promise<Evidence>;
};

const CART = 'cart-service';
const WORKER = 'catalog-worker';
const TRACKING = 'shopper-tracking-service';
/** A commit takes long, so that a fault comes upon it in the middle. */
const SLOW_COMMITS_MS = 80;

const underLoad = (
  scenario: Exclude<ScenarioName, 'hard-writers'>,
  replaced: NonNullable<SystemOptions['replaced']>,
  dose: Dose,
  change: Partial<LoadScenario> = {},
): Pick<Control, 'scenario' | 'run'> => ({
  scenario,
  run: (options) =>
    runUnderLoad({ ...SCENARIOS[scenario], ...change, demands: {} }, dose, { ...options, replaced }),
});

export const CONTROLS = {
  'position later': {
    says: 'the position is stored after the effect, in a transaction of its own',
    caughtBy: 'counts',
    objecting: / is counted /,
    ...underLoad(
      'cut-replies',
      { [TRACKING]: 'e2e/faults/controls/position-later/main.ts' },
      { 'cut tracking store': 12, 'kill tracking': 2 },
      { slowCommitsMs: SLOW_COMMITS_MS },
    ),
  },
  'no fence': {
    says: 'the effect is written without the fence',
    caughtBy: 'counts',
    objecting: / is counted /,
    ...underLoad(
      'frozen-followers',
      { [TRACKING]: 'e2e/faults/controls/no-fence/main.ts' },
      { 'freeze leader': 3 },
    ),
  },
  'id > last': {
    says: 'a follower reads what lies above the last number it saw, of a column that numbers insertions',
    caughtBy: 'followers',
    objecting: / skipped /,
    scenario: 'hard-writers',
    run: (options) => runHardWriters({ says: '', followers: 'numbers' }, { events: 4_000 }, options),
  },
  'no idempotency': {
    says: 'nothing is remembered of an Idempotency-Key',
    caughtBy: 'changes',
    objecting: / happened \d+ times/,
    ...underLoad('cut-replies', { [CART]: 'e2e/faults/controls/no-idempotency/main.ts' }, { 'cut shop': 4 }),
  },
  'last one wins': {
    says: 'a cart is written whole, whatever has become of it meanwhile',
    caughtBy: 'carts',
    objecting: / its events come to /,
    ...underLoad('cut-replies', { [CART]: 'e2e/faults/controls/last-one-wins/main.ts' }, { 'cut shop': 4 }),
  },
  'older than known': {
    says: 'an owner answers from memory less than the follower knows, which takes that at once for another history',
    caughtBy: 'stopped',
    objecting: / stopped: .*source-replaced/,
    ...underLoad(
      'two-of-everything',
      {
        [CART]: 'e2e/faults/controls/older-than-known/cart-main.ts',
        [TRACKING]: 'e2e/faults/controls/older-than-known/tracking-main.ts',
      },
      { 'move streams': 20 },
    ),
  },
  'order of arrival': {
    says: 'a product takes whatever order comes, not the newest one accepted',
    caughtBy: 'products',
    objecting: / its newest job, number /,
    ...underLoad(
      'imports',
      { [WORKER]: 'e2e/faults/controls/order-of-arrival/main.ts' },
      { 'delay supplier': 2 },
    ),
  },
  'switch at once': {
    says: 'another generation becomes live at once, wherever it stands',
    caughtBy: 'backwards',
    objecting: / goes back: /,
    ...underLoad(
      'rebuild',
      { [TRACKING]: 'e2e/faults/controls/switch-at-once/main.ts' },
      {},
      { prefilled: 2_000, rebuilds: 1 },
    ),
  },
} as const satisfies Readonly<Record<string, Control>>;

export type ControlName = keyof typeof CONTROLS;
