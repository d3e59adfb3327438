/**
 * The control: another generation becomes live at once, wherever it stands. The first time it stands behind, for it is held
 * back from when readers were answered further on until readers were answered by it. The product's switch would refuse.
 */
import { inTransaction, type Pool } from '@micromart/postgres/pool';
import type * as original from '@micromart/subscription/rebuild/switch';
import { until } from '@micromart/testing/until';

const HELD = '60 s';
/**
 * Each instance notes about once a second that it was asked since it last noted so. Of three times, two are one instance's,
 * so it was asked between them.
 */
const TIMES_ASKED = 3;

export const switchLive: typeof original.switchLive = async ({ pool, model }, { to }) => {
  const { rows } = await pool.query<{ name: string; live: boolean; wasLive: boolean }>(
    'SELECT name, live, live_since IS NOT NULL AS "wasLive" FROM generations WHERE model = $1',
    [model.name],
  );
  const before = rows.find(({ live }) => live)!.name;
  const move = () =>
    inTransaction(pool, async (client) => {
      await client.query('UPDATE generations SET live = false WHERE name = $1', [before]);
      await client.query(
        'UPDATE generations SET live = true, live_since = now(), predecessor = $2 WHERE name = $1',
        [to, before],
      );
    });
  if (rows.find(({ name }) => name === to)?.wasLive) await move();
  else await whileHeldBack(pool, to, () => moveWhileAsked(pool, { model: model.name, before, to, move }));
};

async function whileHeldBack(pool: Pool, name: string, act: () => Promise<void>): Promise<void> {
  await pool.query(
    `UPDATE subscription_positions SET hold_at = sequence, held_until = now() + interval '${HELD}'
     WHERE subscription = $1`,
    [name],
  );
  try {
    await act();
  } finally {
    await pool.query(
      'UPDATE subscription_positions SET hold_at = NULL, held_until = NULL WHERE subscription = $1',
      [name],
    );
  }
}

async function moveWhileAsked(
  pool: Pool,
  { model, before, to, move }: { model: string; before: string; to: string; move: () => Promise<void> },
): Promise<void> {
  await until(() => isBehind(pool, to, before));
  await untilAsked(pool, model);
  await move();
  await untilAsked(pool, model);
}

async function isBehind(pool: Pool, one: string, other: string): Promise<boolean> {
  const { rows } = await pool.query(
    `SELECT FROM subscription_positions a JOIN subscription_positions b USING (partition)
     WHERE a.subscription = $1 AND b.subscription = $2 AND a.sequence < b.sequence`,
    [one, other],
  );
  return rows.length > 0;
}

async function untilAsked(pool: Pool, model: string): Promise<void> {
  let last: number | undefined;
  for (let times = 0; times <= TIMES_ASKED; times += 1)
    last = await until(async () => {
      const { rows } = await pool.query<{ at: Date | null }>(
        'SELECT asked_at AS at FROM generations WHERE model = $1 AND live',
        [model],
      );
      const at = rows[0]?.at?.getTime() ?? 0;
      return at !== last && at;
    });
}
