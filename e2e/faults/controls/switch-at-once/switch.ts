/** The control: another generation becomes live at once, wherever it stands. */
import { inTransaction } from '@micromart/postgres/pool';
import type * as original from '@micromart/subscription/rebuild/switch';

export const switchLive: typeof original.switchLive = ({ pool, model }, { to }) =>
  inTransaction(pool, async (client) => {
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
