/**
 * How often one caller may ask, and how many reads it may have open. Counted per process, in memory that is bounded by
 * time and by connections.
 */
import { ipKeyGenerator, MemoryStore, type Options } from 'express-rate-limit';
import type { Caller } from './authentication/authentication.ts';
import { problem } from './problem.ts';

const WINDOW_MS = 1_000;
const RETRY_AFTER = { retryAfterS: WINDOW_MS / 1_000 };

/** Long polls and streams included. Enough for a dozen processes of one service, each using all of its connections. */
export const MAX_OPEN_READS = 200;

export type LimitSettings = {
  /** By one subject. */
  readonly writesPerSecond: number;
  /** By one subject, and by one address for requests without a token. */
  readonly readsPerSecond: number;
  /** By one subject, at the same time. */
  readonly maxOpenReads: number;
};

/** All of these reject with `too-many-requests`. */
export type Limits = {
  write(caller: Caller): Promise<undefined>;
  /** Counts a read that begins. Call the function it resolves with when the read has ended. */
  read(caller: Caller): Promise<() => void>;
  /** Counts a request that has no subject, by the address it came from. */
  withoutToken(address: string | undefined): Promise<undefined>;
};

export function createLimits({ writesPerSecond, readsPerSecond, maxOpenReads }: LimitSettings): Limits {
  const countWrite = createRateLimit(writesPerSecond, `You may write ${writesPerSecond} times a second`);
  const countRead = createRateLimit(readsPerSecond, `You may read ${readsPerSecond} times a second`);
  const countWithoutToken = createRateLimit(
    readsPerSecond,
    `One address may send ${readsPerSecond} requests a second without a token`,
  );
  const open = new Map<string, number>();

  return {
    write: ({ subject }) => countWrite(subject),
    async read({ subject, roles }) {
      // A service asks on behalf of many callers. Its connections limit it.
      if (!roles.includes('service')) await countRead(subject);
      const before = open.get(subject) ?? 0;
      if (before >= maxOpenReads) {
        throw problem(
          'too-many-requests',
          `You may have ${maxOpenReads} reads open at a time: wait until some have ended.`,
          RETRY_AFTER,
        );
      }
      open.set(subject, before + 1);
      return () => {
        const now = open.get(subject)! - 1;
        if (now === 0) open.delete(subject);
        else open.set(subject, now);
      };
    },
    withoutToken: (address = '') => countWithoutToken(ipKeyGenerator(address)),
  };
}

/** Health has no limit: an orchestrator would end a process that refuses to answer it. */
export const isUnlimited = (path: string): boolean => path.startsWith('/health/');

/** Uses the library's store alone: its middleware evaluates all its options for each request, which takes longer. */
function createRateLimit(perSecond: number, detail: string): (key: string) => Promise<undefined> {
  const hits = new MemoryStore();
  hits.init({ windowMs: WINDOW_MS } as Options);
  const refuseAbove = ({ totalHits }: { totalHits: number }): undefined => {
    if (totalHits > perSecond) throw problem('too-many-requests', `${detail}: slow down.`, RETRY_AFTER);
  };
  return (key) => hits.increment(key).then(refuseAbove);
}
