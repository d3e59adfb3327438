import { formatPosition } from '@micromart/events/position';
import { problem } from '@micromart/http/problem';
import type { Answer } from '@micromart/http/route';
import { z } from 'zod';
import { isFinal, JOB_STATES, type Job, MAX_REJECTED_ROWS } from './job.ts';

const result = z.enum(['applied', 'unchanged', 'superseded']);

/** A job in a list. An answer about one job also has its rejected rows. */
export const listedJob = z
  .object({
    id: z.uuid(),
    number: z.int().meta({ description: 'Its number in the order of acceptance' }),
    kind: z.enum(['put', 'withdraw', 'import']),
    productId: z.string().optional().meta({ description: 'For a single change' }),
    url: z.string().optional().meta({ description: 'For an import' }),
    state: z.enum(JOB_STATES),
    progress: z
      .object({
        done: z.int().meta({ description: 'Products, including rejected ones' }),
        total: z.int().nullable().meta({ description: 'For an import, known at the end' }),
        doneBytes: z.int().optional(),
        totalBytes: z.int().nullable().optional(),
      })
      .meta({ description: 'For an import, with the bytes of its file' }),
    attempts: z.int().meta({ description: 'How often a worker has started or continued it' }),
    cancelRequested: z.boolean(),
    position: z
      .string()
      .nullable()
      .meta({ description: 'For a finished job, the position of its events; send it as `Consistent-With`' }),
    result: z
      .union([result, z.object({ applied: z.int(), unchanged: z.int(), superseded: z.int() })])
      .nullable()
      .meta({ description: 'For an import, how many rows had each result when the file was last read' }),
    error: z
      .object({ code: z.string(), detail: z.string() })
      .nullable()
      .meta({ description: 'Why it failed, or why it waits' }),
    rejected: z.int().meta({ description: 'How many rows of the feed were rejected' }),
    repeated: z.int().meta({
      description: 'How many products the feed names more than once; the last row about each counts',
    }),
    acceptedAt: z.iso.datetime(),
    startedAt: z.iso.datetime().nullable(),
    finishedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'ListedJob' });

export const job = listedJob
  .extend({
    rejectedRows: z
      .array(
        z.object({ row: z.int().meta({ description: 'Its line in the file, from 1' }), message: z.string() }),
      )
      .max(MAX_REJECTED_ROWS)
      .meta({ description: `The first ${MAX_REJECTED_ROWS}` }),
  })
  .meta({ id: 'Job' });

/** When to ask again about a job that is not finished. */
const RETRY_AFTER_S = 1;

export const jobHeaders = z.object({
  'Retry-After': z.string().meta({ description: 'When to ask again, while the job is not finished' }),
});

export const listedBody = (given: Job): z.output<typeof listedJob> => {
  const { id, number, request, state, attempts, cancelRequested, error, progress } = given;
  return {
    id,
    number,
    kind: request.kind,
    ...(request.kind === 'import' ? { url: request.url } : { productId: request.productId }),
    state,
    progress: progress
      ? {
          done: progress.rows,
          total: progress.totalRows,
          doneBytes: progress.bytes,
          totalBytes: progress.totalBytes,
        }
      : { done: state === 'done' ? 1 : 0, total: request.kind === 'import' ? null : 1 },
    attempts,
    cancelRequested,
    ...(isFinal(state) && progress
      ? { position: formatPosition(progress.places) || null, result: progress.tally }
      : { position: given.position, result: given.result }),
    error,
    rejected: progress?.rejected ?? 0,
    repeated: progress?.repeated ?? 0,
    acceptedAt: given.acceptedAt.toISOString(),
    startedAt: given.startedAt?.toISOString() ?? null,
    finishedAt: given.finishedAt?.toISOString() ?? null,
  };
};

export const jobAnswer = (status: number, given: Job): Answer => ({
  status,
  headers: {
    ...(status === 202 && { location: `/jobs/${given.id}` }),
    ...((status === 202 || !isFinal(given.state)) && { 'retry-after': String(RETRY_AFTER_S) }),
  },
  body: { ...listedBody(given), rejectedRows: given.rejectedRows },
});

/** Throws `not-found` for a job that never existed or has been deleted for long; `gone` for one that was deleted recently. */
export function requireKept(found: Job | 'gone' | undefined): Job {
  if (found === undefined)
    throw problem('not-found', 'No job with this id was accepted in the last four months.');
  if (found === 'gone') throw problem('gone', 'This job ended more than 30 days ago and has been deleted.');
  return found;
}
