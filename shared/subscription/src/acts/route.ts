/** The route that lists what operators did. */
import { type Route, route } from '@micromart/http/route';
import type { Pool } from '@micromart/postgres/pool';
import { z } from 'zod';
import { idCursor, pageById, pageLimit } from '../pages-by-id.ts';
import { ACT_KINDS, listActs, OUTCOMES } from './acts.ts';

const MAX_SUBJECT = 500;

const actSchema = z.object({
  id: z.string(),
  at: z.iso.datetime(),
  by: z.string().meta({ description: "The operator's subject." }),
  kind: z.enum(ACT_KINDS),
  target: z.string().meta({
    description:
      'What it was done to: a subscription, a generation or a reconciliation by name, a parked event by its id.',
  }),
  outcome: z.enum(OUTCOMES).meta({
    description:
      'refused: a rule was against it, and nothing was done. failed: something was away or broken, and nothing was done. ' +
      'incomplete: a part was done, as the result says, or it is not known whether all was.',
  }),
  result: z
    .record(z.string(), z.unknown())
    .meta({ description: 'What came of it; `reason` where it was not done.' }),
});

export const actsRoute = (pool: Pool): Route =>
  route({
    method: 'get',
    path: '/acts',
    summary: 'What operators did in the last year',
    roles: ['operator'],
    query: z.object({
      kind: z.enum(ACT_KINDS).optional(),
      by: z.string().max(MAX_SUBJECT).optional().meta({ description: "An operator's subject" }),
      outcome: z.enum(OUTCOMES).optional(),
      cursor: idCursor.optional(),
      limit: pageLimit,
    }),
    answers: {
      200: {
        description: 'A page of them, newest first',
        schema: z.object({ items: z.array(actSchema), next: z.string().nullable() }),
      },
    },
    problems: ['unavailable'],
    async handle({ query: { kind, by, outcome, cursor, limit } }) {
      const found = await listActs(pool, { before: cursor, limit: limit + 1, kind, by, outcome });
      return { status: 200, body: pageById(found, limit) };
    },
  });
