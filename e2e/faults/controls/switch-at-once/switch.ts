/** The control: another generation becomes live at once, wherever it stands. */
import { setTimeout as sleep } from 'node:timers/promises';
import { inTransaction } from '@micromart/postgres/pool';
import type * as original from '@micromart/subscription/rebuild/switch';

/** Until then nobody here follows it in its new role, so that readers meet it where it stood. */
const REST_MS = 1_000;

export const switchLive: typeof original.switchLive = async ({ pool, model }, { to }) => {
  const before = await inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      'UPDATE generations SET live = false WHERE model = $1 AND live RETURNING name',
      [model.name],
    );
    await client.query(
      'UPDATE generations SET live = true, live_since = now(), predecessor = $2 WHERE name = $1',
      [to, rows[0]!.name],
    );
    return rows[0]!.name;
  });
  await sleep(REST_MS);
  return before;
};
