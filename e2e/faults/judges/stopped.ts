import type { Evidence } from '../evidence/evidence.ts';

/** No subscription stops: whatever faults do, the history that it follows is the same. */
export const judgeStopped = ({ stopped }: Evidence): string[] =>
  stopped.map((what) => `a subscription stopped: ${what}`);
