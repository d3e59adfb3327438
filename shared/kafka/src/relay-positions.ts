/** The relay's positions: how far a log has been published to a topic. They are in a database of the owner. */
import type { EventLog } from '@micromart/event-log/event-log';
import type { Pool } from '@micromart/postgres/pool';

export type Move = { readonly partition: number; readonly from: number; readonly to: number };

export type RelayPositions = {
  /** The last published sequence of every partition. */
  read(): Promise<Map<number, number>>;
  /** Moves positions, each only from `from`. Throws Overtaken when another relay has moved one of them. */
  move(moves: readonly Move[]): Promise<void>;
};

/** Another relay has published the same events. They are in the topic twice; none is missing. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

export function createRelayPositions(
  pool: Pool,
  { topic, log: { name, partitions } }: { topic: string; log: EventLog },
): RelayPositions {
  return {
    async read() {
      await pool.query(
        `INSERT INTO relay_positions (topic, log, partition)
         SELECT $1, $2, generate_series(0, $3::int - 1) ON CONFLICT DO NOTHING`,
        [topic, name, partitions],
      );
      const { rows } = await pool.query<{ partition: number; sequence: number }>(
        'SELECT partition, sequence FROM relay_positions WHERE topic = $1 AND log = $2 ORDER BY partition',
        [topic, name],
      );
      return new Map(rows.map(({ partition, sequence }) => [partition, sequence]));
    },

    async move(moves) {
      const { rowCount } = await pool.query({
        name: 'move-relay-positions',
        text: `UPDATE relay_positions p SET sequence = m.till
               FROM unnest($3::int[], $4::bigint[], $5::bigint[]) AS m (partition, since, till)
               WHERE p.topic = $1 AND p.log = $2 AND p.partition = m.partition AND p.sequence = m.since`,
        values: [
          topic,
          name,
          moves.map(({ partition }) => partition),
          moves.map(({ from }) => from),
          moves.map(({ to }) => to),
        ],
      });
      if (rowCount !== moves.length) throw new Overtaken(`another relay publishes ${name} to ${topic} too`);
    },
  };
}
