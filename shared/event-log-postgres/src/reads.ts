import { type EventLog, logMissing } from '@micromart/event-log/event-log';
import { FULL_PAGE_BYTES, FULL_SHARE_BYTES } from '@micromart/event-log/page';
import type { LoggedEvent } from '@micromart/events/envelope';
import type { Pool } from '@micromart/postgres/pool';

export type Identity = Pick<EventLog, 'name' | 'partitions'>;

type EventRow = Omit<
  LoggedEvent,
  'specversion' | 'source' | 'time' | 'datacontenttype' | 'partitionkey' | 'traceparent'
> & {
  time: Date;
  key: string;
  traceparent: string | null | undefined;
};

type HeadsRow = { log: string | null; at: Date; last: Readonly<Record<string, number>> | null };

const COLUMNS = 'partition, sequence::text, id, type, subject, key, time, traceparent, data';

/**
 * The events of a partition after a sequence, up to the one that fills the page (event-log/page.ts). Only the data of
 * these events is read.
 */
const firstEvents = (given: { partition: string; after: string; limit: string; fullBytes: number }) => `
  SELECT ${COLUMNS} FROM (
    SELECT *, sum(coalesce(bytes, octet_length(data::text))) OVER (
      ORDER BY sequence ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
    FROM event_log_events WHERE partition = ${given.partition} AND sequence > ${given.after}
    ORDER BY sequence LIMIT ${given.limit}
  ) e WHERE coalesce(bytes_before, 0) < ${given.fullBytes} ORDER BY e.sequence`;

/** The log's name and number of partitions; undefined while it has none. */
export async function readIdentity(pool: Pool): Promise<Identity | undefined> {
  const { rows } = await pool.query<Identity>(
    'SELECT name, (SELECT count(*) FROM event_log_heads) AS partitions FROM event_log',
  );
  return rows[0];
}

/** The queries of a log. Each calls `identity` first, which may reject. */
export function createReads(
  pool: Pool,
  source: string,
  identity: () => Promise<Identity>,
): Pick<EventLog, 'heads' | 'page' | 'eventsAfter'> {
  return {
    async heads() {
      await identity();
      // now() is the statement's start, and its snapshot is taken after that: hence "no later than the heads".
      const { rows } = await pool.query<HeadsRow>({
        name: 'heads',
        text: `SELECT (SELECT name FROM event_log) AS log, now() AS at, json_object_agg(partition, last) AS last
               FROM event_log_heads`,
      });
      const { log, at, last } = rows[0]!;
      if (log === null || last === null) throw logMissing();
      return { log, at, last: new Map(Object.entries(last).map(([key, head]) => [Number(key), head])) };
    },

    async page(partition, after, limit) {
      await identity();
      const { rows } = await pool.query<EventRow>({
        name: 'page',
        text: firstEvents({ partition: '$1', after: '$2', limit: '$3', fullBytes: FULL_PAGE_BYTES }),
        values: [partition, after, limit],
      });
      return rows.map((row) => toEvent(row, source));
    },

    async eventsAfter(after, limit) {
      const { partitions } = await identity();
      const { rows } = await pool.query<EventRow>({
        name: 'eventsAfter',
        text: `SELECT e.* FROM unnest($1::int[], $2::bigint[]) AS a (partition, after) CROSS JOIN LATERAL (
                 ${firstEvents({ partition: 'a.partition', after: 'a.after', limit: '$3', fullBytes: FULL_SHARE_BYTES })}) e`,
        values: [[...after.keys()], [...after.values()], Math.max(1, Math.floor(limit / partitions))],
      });
      return rows.map((row) => toEvent(row, source));
    },
  };
}

/** The event of a row, or of one that is being written. */
export const toEvent = ({ key, traceparent, time, data, ...row }: EventRow, source: string): LoggedEvent => ({
  specversion: '1.0',
  ...row,
  source,
  time: time.toISOString(),
  datacontenttype: 'application/json',
  partitionkey: key,
  ...(traceparent && { traceparent }),
  data,
});
