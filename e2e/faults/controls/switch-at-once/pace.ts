/** What is not live rests for longer, so that it lies behind at most moments: the product's switch waits for it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type * as original from '@micromart/subscription/pace';

const REST_MS = 200;

export const shareOfTime: typeof original.shareOfTime = () => ({
  batch: (limit) => limit,
  map: async (all, each) => all.map(each),
  rest: (_, signal) => sleep(REST_MS, undefined, { signal }).catch(() => {}),
});
