import { productContent } from '@micromart/contracts/catalog/product';
import { productId } from '@micromart/contracts/product-id';
import { createListCursor, cursorParameter } from '@micromart/http/list-cursor';
import { uuid, wholeNumber } from '@micromart/http/parameters';
import { problem } from '@micromart/http/problem';
import { type Answer, type Route, type RouteRequest, route } from '@micromart/http/route';
import { z } from 'zod';
import { readFeedUrl } from './feed.ts';
import { JOB_STATES, type JobRequest } from './job.ts';
import { job, jobAnswer, jobHeaders, listedBody, listedJob, requireKept } from './job-answers.ts';
import type { JobRequests } from './jobs/job-requests.ts';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000;
/** The number of the job after which the next page begins. */
const jobCursor = createListCursor(z.tuple([z.string().regex(/^[0-9]{1,15}$/)]));

const CONDITIONS =
  'The worker evaluates `If-Match` and `If-None-Match` when it runs the job. If they do not hold, the job fails with `precondition-failed`, and nothing changes.';

const importOrder = z.strictObject({
  url: z
    .string()
    .transform((text, { addIssue }) => {
      const url = readFeedUrl(text);
      if (url === undefined)
        addIssue('must be an http or https URL without a user and without control characters');
      return url ?? '';
    })
    .meta({
      pattern: '^ *[Hh][Tt][Tt][Pp][Ss]?:',
      description:
        'NDJSON, or CSV below a header; gzip allowed; one product a line. The job shows it as it is requested, in ASCII',
    }),
});

const jobId = z.object({ jobId: uuid().meta({ description: 'As `Location` gave it' }) });

const accepted = {
  202: {
    description: 'A job; `Location` shows its state',
    schema: job,
    headers: jobHeaders.extend({ Location: z.string() }),
  },
};

type Accepting = {
  readonly caller: { readonly subject: string };
  readonly traceparent: string;
};

/** Writing to the catalog: every write is accepted as a job. The worker runs jobs in the order of acceptance. */
export function jobRoutes(jobRequests: JobRequests): Route[] {
  const accept = async (request: JobRequest, { caller, traceparent }: Accepting): Promise<Answer> =>
    jobAnswer(202, await jobRequests.accept({ request, subject: caller.subject, traceparent }));

  return [
    route({
      method: 'put',
      path: '/products/{id}',
      summary: 'Write a product, replacing all its fields',
      roles: ['catalog'],
      params: z.object({ id: productId }),
      description: CONDITIONS,
      preconditions: 'by-handler',
      body: productContent,
      answers: accepted,
      problems: ['unavailable'],
      handle: (request) =>
        accept(
          {
            kind: 'put',
            productId: request.params.id,
            content: request.body,
            ...conditionsOf(request),
          },
          request,
        ),
    }),
    route({
      method: 'delete',
      path: '/products/{id}',
      summary: 'Withdraw a product from sale',
      roles: ['catalog'],
      params: z.object({ id: productId }),
      description: CONDITIONS,
      preconditions: 'by-handler',
      answers: accepted,
      problems: ['unavailable'],
      handle: (request) =>
        accept({ kind: 'withdraw', productId: request.params.id, ...conditionsOf(request) }, request),
    }),
    route({
      method: 'post',
      path: '/imports',
      summary: "Import a supplier's feed",
      description:
        'Writes the products that the feed names, as if one by one; others stay unchanged. The worker reads feeds only from hosts that it allows (`IMPORT_ALLOWED_HOSTS`).',
      roles: ['catalog'],
      body: importOrder,
      answers: accepted,
      problems: ['unavailable'],
      handle: (request) => accept({ kind: 'import', url: request.body.url }, request),
    }),
    route({
      method: 'get',
      path: '/jobs',
      summary: 'Jobs, newest first',
      roles: ['catalog'],
      query: z.object({
        state: z.enum(JOB_STATES).optional(),
        cursor: cursorParameter.optional(),
        limit: wholeNumber({ min: 1, max: MAX_LIMIT }).default(DEFAULT_LIMIT),
      }),
      answers: {
        200: {
          description: 'A page of jobs',
          schema: z.object({ items: z.array(listedJob), next: z.string().nullable() }),
        },
      },
      problems: ['unavailable'],
      async handle({ query: { state, cursor, limit } }) {
        const name = `jobs ${state ?? ''}`;
        const before = cursor === undefined ? undefined : Number(jobCursor.read(cursor, name)[0]);
        const found = await jobRequests.list({ state, before, limit: limit + 1 });
        const shown = found.slice(0, limit);
        const next = found.length > limit ? jobCursor.write(name, [String(shown.at(-1)!.number)]) : null;
        return { status: 200, body: { items: shown.map(listedBody), next } };
      },
    }),
    route({
      method: 'get',
      path: '/jobs/{jobId}',
      summary: 'A job: its progress, or its result',
      roles: ['catalog'],
      params: jobId,
      answers: { 200: { description: 'The job', schema: job, headers: jobHeaders.partial() } },
      problems: ['not-found', 'gone', 'unavailable'],
      handle: async ({ params }) => jobAnswer(200, requireKept(await jobRequests.find(params.jobId))),
    }),
    route({
      method: 'delete',
      path: '/jobs/{jobId}',
      summary: 'Cancel a job',
      description:
        'A queued job is cancelled at once, an active one within a second, unless it ends before. What an import has already written stays.',
      roles: ['catalog'],
      params: jobId,
      answers: accepted,
      problems: ['not-found', 'gone', 'conflict', 'unavailable'],
      async handle({ params: { jobId: id } }) {
        const asked = await jobRequests.cancel(id);
        const found = requireKept(await jobRequests.find(id));
        if (!asked) throw problem('conflict', `This job has ended: it is ${found.state}.`);
        return jobAnswer(202, found);
      },
    }),
  ];
}

/** The preconditions of a deferred write, as they were sent. They have been parsed, so they are well-formed. */
const conditionsOf = ({ raw }: Pick<RouteRequest<unknown, unknown, unknown, unknown>, 'raw'>) => ({
  ifMatch: raw.headers['if-match'],
  ifNoneMatch: raw.headers['if-none-match'],
});
