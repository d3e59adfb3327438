/** The routes by which an operator sees parked events, and resolves them. */
import { problem } from '@micromart/http/problem';
import { type Route, route } from '@micromart/http/route';
import type { Pool } from '@micromart/postgres/pool';
import { z } from 'zod';
import type { Acts } from '../acts/acts.ts';
import { idCursor, pageById, pageLimit } from '../pages-by-id.ts';
import type { Subscription } from '../subscription.ts';
import { listParked } from './parked-events.ts';
import type { ResolvedMany } from './resolve-many.ts';
import {
  manySchema,
  parkedId,
  parkedQueried,
  parkedSchema,
  releasedSchema,
  resolvedManySchema,
} from './route-schemas.ts';

export function createParkedRoutes({
  pool,
  subscriptions,
  isLive,
  find,
  acts,
}: {
  pool: Pool;
  subscriptions: () => readonly Subscription[];
  isLive: (name: string) => boolean;
  /** Throws `not-found`. */
  find: (name: string) => Subscription;
  acts: Acts;
}): Route[] {
  const named = (name: string | undefined) =>
    name === undefined ? subscriptions().filter((one) => isLive(one.name)) : [find(name)];

  async function ownerOf(id: string): Promise<Subscription> {
    const { rows } = await pool.query<{ subscription: string }>(
      'SELECT subscription FROM parked_events WHERE id = $1',
      [id],
    );
    const subscription = subscriptions().find(({ name }) => name === rows[0]?.subscription);
    if (!subscription) throw problem('not-found', `There is no parked event ${id} here.`);
    return subscription;
  }

  const resolving = (verb: 'retry' | 'discard', summary: string) =>
    route({
      method: 'post',
      path: `/parked/{id}/${verb}`,
      summary,
      roles: ['operator'],
      params: parkedId,
      answers: {
        200: {
          description: 'How many events were applied, and how many are still parked',
          schema: releasedSchema,
        },
      },
      problems: ['not-found', 'conflict', 'unavailable'],
      handle: async ({ params: { id }, caller: { subject } }) => ({
        status: 200,
        body: await acts.perform({ kind: verb, by: subject, target: id }, async (record) => {
          const { parking } = await ownerOf(id);
          return parking[verb](id, subject, record);
        }),
      }),
    });

  const resolvingMany = (verb: 'retry' | 'discard', summary: string, description: string) =>
    route({
      method: 'post',
      path: `/parked/${verb}`,
      summary,
      description,
      roles: ['operator'],
      body: manySchema,
      answers: {
        200: {
          description: 'What was done, and how many of these events are still parked',
          schema: resolvedManySchema,
        },
      },
      problems: ['not-found', 'unavailable'],
      async handle({ body, caller: { subject } }) {
        const which = {
          key: 'key' in body ? body.key : undefined,
          reason: 'reason' in body ? body.reason : undefined,
        };
        let total: ResolvedMany = { applied: 0, discarded: 0, parked: 0, more: false };
        for (const { name, parking } of named(body.subscription)) {
          const act = { kind: `${verb}-many`, by: subject, target: name };
          const resolved = await acts.perform(act, (record) =>
            parking[`${verb}Many`](which, subject, (client, result) =>
              record(client, { asked: which, ...result }),
            ),
          );
          total = sumOf(total, resolved);
        }
        return { status: 200, body: total };
      },
    });

  return [
    route({
      method: 'get',
      path: '/parked',
      summary: 'Events that could not be applied, and those that wait behind them',
      roles: ['operator'],
      query: z.object({
        subscription: parkedQueried,
        state: z.enum(['parked', 'retried', 'discarded']).default('parked'),
        cursor: idCursor.default('0'),
        limit: pageLimit,
      }),
      answers: {
        200: {
          description: 'A page of them, oldest first',
          schema: z.object({ items: z.array(parkedSchema), next: z.string().nullable() }),
        },
      },
      problems: ['not-found', 'unavailable'],
      async handle({ query: { subscription, state, cursor, limit } }) {
        const found = await listParked(pool, {
          subscriptions: named(subscription).map(({ name }) => name),
          state,
          after: cursor,
          limit: limit + 1,
        });
        return { status: 200, body: pageById(found, limit) };
      },
    }),
    resolving('retry', 'Applies a parked event again, and those behind it'),
    resolving('discard', 'Gives a parked event up for good, and applies those behind it'),
    resolvingMany(
      'retry',
      'Applies parked events again, each chain of a key in its order',
      'A chain stops at the first event that fails again. The request names chains by key, by how the reason begins for ' +
        'which their first event is parked, or all. It works for a few seconds; with `more`, repeat it.',
    ),
    resolvingMany(
      'discard',
      'Gives parked events up for good, and applies those behind them that can be',
      'Of each chain that is named, the first event is discarded and those behind it are applied. One that fails is ' +
        'discarded as well, if the request names no reason or this is its reason. With `more`, repeat it.',
    ),
  ];
}

const sumOf = (a: ResolvedMany, b: ResolvedMany): ResolvedMany => ({
  applied: a.applied + b.applied,
  discarded: a.discarded + b.discarded,
  parked: a.parked + b.parked,
  more: a.more || b.more,
});
