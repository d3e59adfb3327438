/** The routes by which an operator sees and controls a service's subscriptions. */

import { wholeNumber } from '@micromart/http/parameters';
import { problem } from '@micromart/http/problem';
import { type Route, route } from '@micromart/http/route';
import type { Pool } from '@micromart/postgres/pool';
import type { Logger } from '@micromart/process/logger';
import { z } from 'zod';
import { listParked } from './dead-letters/parked-events.ts';
import {
  MAX_NAME,
  parkedId,
  parkedSchema,
  releasedSchema,
  subscriptionName,
  subscriptionSchema,
} from './route-schemas.ts';
import { readStatus, type SubscriptionStatus } from './status.ts';
import type { Subscription } from './subscription.ts';

const MAX_PAGE = 1_000;
const DEFAULT_PAGE = 100;

export function createSubscriptionRoutes({
  pool,
  subscriptions,
  isLive = () => true,
  logger,
}: {
  pool: Pool;
  subscriptions: () => readonly Subscription[];
  /** Whether answers come from what this subscription builds: of a read model with generations, from one of several. */
  isLive?: (name: string) => boolean;
  logger: Logger;
}): Route[] {
  const names = () => subscriptions().map(({ name }) => name);

  function find(name: string): Subscription {
    const subscription = subscriptions().find((one) => one.name === name);
    if (!subscription)
      throw problem('not-found', `There is no subscription ${name} here. There are: ${names().join(', ')}.`);
    return subscription;
  }

  async function show(subscription: Subscription) {
    const [status] = await readStatus(pool, [subscription.name]);
    return present(subscription, status);
  }

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
      async handle({ params: { id }, caller }) {
        const { parking } = await ownerOf(id);
        return { status: 200, body: await parking[verb](id, caller.subject) };
      },
    });

  const controlling = (
    verb: 'pause' | 'resume',
    summary: string,
    act: (subscription: Subscription) => Promise<void>,
  ) =>
    route({
      method: 'post',
      path: `/subscriptions/{name}/${verb}`,
      summary,
      roles: ['operator'],
      params: subscriptionName,
      answers: { 200: { description: 'The subscription', schema: subscriptionSchema } },
      problems: ['not-found', 'conflict', 'unavailable'],
      async handle({ params: { name }, caller }) {
        const subscription = find(name);
        await act(subscription);
        logger.info({ subscription: name, by: caller.subject, action: verb }, 'subscription controlled');
        return { status: 200, body: await show(subscription) };
      },
    });

  return [
    route({
      method: 'get',
      path: '/subscriptions',
      summary: 'How far this service follows which logs',
      roles: ['operator'],
      answers: {
        200: {
          description: 'All subscriptions: those that answers come from, and apart the other generations',
          schema: z.object({
            items: z.array(subscriptionSchema),
            others: z.array(subscriptionSchema),
            next: z.null(),
          }),
        },
      },
      problems: ['unavailable'],
      async handle() {
        const shown = await Promise.all(subscriptions().map(show));
        const items = shown.filter(({ name }) => isLive(name));
        const others = shown.filter(({ name }) => !isLive(name));
        return { status: 200, body: { items, others, next: null } };
      },
    }),
    controlling('pause', 'Applies no more events until it is resumed', ({ control }) => control.pause()),
    controlling('resume', 'Continues to apply events', async (subscription) => {
      const [status] = await readStatus(pool, [subscription.name]);
      refuseToResume(status, subscription.parkedLimit);
      await subscription.control.resume();
    }),
    route({
      method: 'get',
      path: '/parked',
      summary: 'Events that could not be applied, and those that wait behind them',
      roles: ['operator'],
      query: z.object({
        subscription: z.string().max(MAX_NAME).optional().meta({
          description: 'Of another generation; left out: of those that answers come from',
        }),
        state: z.enum(['parked', 'retried', 'discarded']).default('parked'),
        cursor: z
          .string()
          .regex(/^[0-9]{1,18}$/, 'the cursor of an earlier answer')
          .default('0'),
        limit: wholeNumber({ min: 1, max: MAX_PAGE }).default(DEFAULT_PAGE),
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
          subscriptions: subscription === undefined ? names().filter(isLive) : [find(subscription).name],
          state,
          after: cursor,
          limit: limit + 1,
        });
        const items = found.slice(0, limit);
        return { status: 200, body: { items, next: found.length > limit ? items.at(-1)!.id : null } };
      },
    }),
    resolving('retry', 'Applies a parked event again, and those behind it'),
    resolving('discard', 'Gives a parked event up for good, and applies those behind it'),
  ];
}

function refuseToResume(status: SubscriptionStatus | undefined, parkedLimit: number): void {
  if (status?.stopped === 'source-replaced')
    throw problem('conflict', `${status.stoppedDetail}. Only a rebuild can continue from there.`, {
      type: 'source-replaced',
    });
  const parked = status?.partitions.reduce((sum, partition) => sum + partition.parked, 0) ?? 0;
  if (status?.stopped === 'too-many-parked' && parked >= parkedLimit)
    throw problem(
      'conflict',
      `${parked} events are parked, and no more than ${parkedLimit} may be: retry or discard some first.`,
    );
}

function present(subscription: Subscription, status: SubscriptionStatus | undefined) {
  const partitions = status?.partitions ?? [];
  const sum = (field: 'lagEvents' | 'parked') => partitions.reduce((total, one) => total + one[field], 0);
  const lags = partitions.map(({ lagMs }) => lagMs);
  const assigned = subscription.assigned();
  return {
    name: subscription.name,
    state: stateOf(subscription, status),
    reason: status?.stopped
      ? `${status.stopped}: ${status.stoppedDetail}`
      : (waitingOf(subscription, status) ?? null),
    leader: subscription.isLeader(),
    assigned: assigned ? [...assigned] : null,
    log: status?.log ?? null,
    lagEvents: sum('lagEvents'),
    lagMs: lags.length === 0 || lags.includes(null) ? null : Math.max(...(lags as number[])),
    parked: sum('parked'),
    partitions,
  };
}

function stateOf(subscription: Subscription, status: SubscriptionStatus | undefined) {
  if (status?.stopped) return 'stopped';
  if (status?.paused) return 'paused';
  if (waitingOf(subscription, status)) return 'waiting';
  if (!subscription.isLeader() && !subscription.assigned()?.size) return 'standby';
  return status?.log ? 'running' : 'starting';
}

const waitingOf = (subscription: Subscription, status: SubscriptionStatus | undefined) =>
  subscription.waiting()?.reason ?? status?.waiting;
