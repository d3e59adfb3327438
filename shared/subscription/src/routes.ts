/** The routes by which an operator sees and controls a service's subscriptions. */

import { problem } from '@micromart/http/problem';
import { type Route, route } from '@micromart/http/route';
import type { Pool } from '@micromart/postgres/pool';
import type { Logger } from '@micromart/process/logger';
import { z } from 'zod';
import { createActs, type RecordAct } from './acts/acts.ts';
import { actsRoute } from './acts/route.ts';
import { createParkedRoutes } from './dead-letters/routes.ts';
import { subscriptionName, subscriptionSchema } from './route-schemas.ts';
import { readStatus, type SubscriptionStatus } from './status.ts';
import type { Subscription } from './subscription.ts';

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
  const acts = createActs({ pool, logger });
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

  const controlling = (
    verb: 'pause' | 'resume',
    summary: string,
    act: (subscription: Subscription, record: RecordAct) => Promise<void>,
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
        await acts.perform({ kind: verb, by: caller.subject, target: name }, (record) =>
          act(subscription, record),
        );
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
    controlling('pause', 'Applies no more events until it is resumed', ({ control }, record) =>
      control.pause(record),
    ),
    controlling('resume', 'Continues to apply events', async (subscription, record) => {
      const [status] = await readStatus(pool, [subscription.name]);
      refuseToResume(status, subscription.parkedLimit);
      await subscription.control.resume(record);
    }),
    ...createParkedRoutes({ pool, subscriptions, isLive, find, acts }),
    actsRoute(pool),
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
