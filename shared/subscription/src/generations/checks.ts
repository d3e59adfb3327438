/** What readiness says of a read model with generations: of the live one, whichever that is. */
import type { Check } from '@micromart/http/health';
import { createSubscriptionChecks } from '../status.ts';
import type { Generations } from './generations.ts';
import type { LiveGenerations } from './live-generations.ts';

/**
 * An instance that cannot serve the live generation is not ready: it is of a version that does not know it, and others are to be
 * asked instead.
 */
export function createGenerationChecks({
  generations,
  live,
  maxLagMs,
}: {
  generations: Pick<Generations, 'model' | 'pool' | 'subscriptions'>;
  live: LiveGenerations;
  maxLagMs: number;
}): Check[] {
  const { name } = generations.model;
  const liveName = () => live.of(name)?.name ?? name;
  const following = () => generations.subscriptions().find((one) => one.name === liveName());
  return [
    {
      name: `generation of ${name}`,
      check: async () =>
        live.serves(name)
          ? { ok: true }
          : { ok: false, detail: `this version does not know the live generation, ${liveName()}` },
    },
    ...createSubscriptionChecks({
      pool: generations.pool,
      subscription: { name, waiting: () => following()?.waiting() },
      live: liveName,
      maxLagMs,
    }),
  ];
}
