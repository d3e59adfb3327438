/**
 * How often one caller may ask, and how much it may have under way. Counted per process, in memory that is bounded by time
 * and by connections.
 */
import { ipKeyGenerator, MemoryStore, type Options } from 'express-rate-limit';
import type { Caller } from './authentication/authentication.ts';
import { problem } from './problem.ts';

const WINDOW_MS = 1_000;
const RETRY_AFTER = { retryAfterS: WINDOW_MS / 1_000 };

/** Long polls and streams among them. Enough for a dozen processes of one service, each on all of its connections. */
export const MAX_OPEN_READS = 200;

export type LimitSettings = {
  /** Of one subject. */
  readonly writesPerSecond: number;
  /** Of one subject, and the requests without a token of one address. */
  readonly readsPerSecond: number;
  /** Of one subject, at the same time. */
  readonly maxOpenReads: number;
};

/** All of them reject with `too-many-requests`. */
export type Limits = {
  write(caller: Caller): Promise<undefined>;
  /** A read that begins; gives back what to call when it has ended. */
  read(caller: Caller): Promise<() => void>;
  /** A request that nobody answers for, told by the address it came from. */
  withoutToken(address: string | undefined): Promise<undefined>;
};

export function createLimits({ writesPerSecond, readsPerSecond, maxOpenReads }: LimitSettings): Limits {
  const countWrite = createRateLimit(writesPerSecond, `You may write ${writesPerSecond} times a second here`);
  const countRead = createRateLimit(readsPerSecond, `You may read ${readsPerSecond} times a second here`);
  const countWithoutToken = createRateLimit(
    readsPerSecond,
    `Without a token, ${readsPerSecond} requests a second of one address are answered here`,
  );
  const open = new Map<string, number>();

  return {
    write: ({ subject }) => countWrite(subject),
    async read({ subject, roles }) {
      // A service asks for all who ask it. Its connections are what bounds it.
      if (!roles.includes('service')) await countRead(subject);
      const before = open.get(subject) ?? 0;
      if (before >= maxOpenReads) {
        throw problem(
          'too-many-requests',
          `You may have ${maxOpenReads} reads under way at a time here: wait until some have ended.`,
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

/** How a service is may be asked at any rate: an orchestrator would end one that refuses to say. */
export const isUnlimited = (path: string): boolean => path.startsWith('/health/');

/** The library's store alone: its middleware asks itself for each request how it was set up, which takes longer. */
function createRateLimit(perSecond: number, detail: string): (who: string) => Promise<undefined> {
  const hits = new MemoryStore();
  hits.init({ windowMs: WINDOW_MS } as Options);
  const refuseAbove = ({ totalHits }: { totalHits: number }): undefined => {
    if (totalHits > perSecond) throw problem('too-many-requests', `${detail}: slow down.`, RETRY_AFTER);
  };
  return (who) => hits.increment(who).then(refuseAbove);
}
