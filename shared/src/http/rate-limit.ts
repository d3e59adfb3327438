/** How often one caller may write: so many times in each second. Counted per process, in memory that is bounded by time. */
import type { Request, Response } from 'express';
import { rateLimit } from 'express-rate-limit';
import { contextOf } from './context.ts';
import { problem } from './problem.ts';

const WINDOW_MS = 1_000;

/** Counts a request of the caller that its context names. Rejects with `too-many-requests` when it is one too many. */
export type RateLimit = (request: Request, response: Response) => Promise<void>;

export function createRateLimit({ perSecond }: { perSecond: number }): RateLimit {
  const limit = rateLimit({
    windowMs: WINDOW_MS,
    limit: perSecond,
    keyGenerator: (_, response) => contextOf(response).caller,
    handler: (_request, _response, next) =>
      next(
        problem('too-many-requests', `You may write ${perSecond} times a second here: slow down.`, {
          retryAfterS: WINDOW_MS / 1_000,
        }),
      ),
    standardHeaders: false,
    legacyHeaders: false,
    validate: false,
  });
  return (request, response) =>
    new Promise((resolve, reject) => {
      limit(request, response, (error?: unknown) => (error ? reject(error) : resolve()));
    });
}
