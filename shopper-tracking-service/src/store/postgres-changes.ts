/** Which products have changed since a transaction, and what they stand at now. */
import { arrayLiteral } from '@micromart/postgres/binary-array';
import type { Client } from '@micromart/postgres/pool';
import type { KeptChanges } from '../change-id.ts';
import { COUNTER_NAMES } from '../counters.ts';
import { counterColumns } from './postgres-counter-columns.ts';
import type { ChangedProduct, ChangesSince } from './store.ts';

/**
 * While a transaction stays in progress, so many after it are remembered as told; what comes after these is told again and
 * again until it ends.
 */
const MAX_ABOVE = 1_000;

type Row = { origin: string; first: string | null; last: string | null; above: readonly string[] };

/** What is kept, without the generation: that is the one whose tables the client's bare names mean. */
export async function keptChanges(client: Client): Promise<Omit<KeptChanges, 'generation'>> {
  const { rows } = await client.query<Row>({
    name: 'kept_changes',
    text: `WITH settled AS MATERIALIZED (
             SELECT coalesce((SELECT xid FROM changes WHERE xid < pg_snapshot_xmin(pg_current_snapshot())
                              ORDER BY xid DESC LIMIT 1), '0') AS xid
           )
           SELECT left(md5(concat_ws('/', (pg_control_system()).system_identifier,
               (pg_control_checkpoint()).timeline_id, (SELECT oid FROM pg_database WHERE datname = current_database()))), 8)
               AS origin,
             (SELECT xid FROM changes ORDER BY xid LIMIT 1) AS first, settled.xid AS last,
             ARRAY(SELECT DISTINCT c.xid FROM changes c WHERE c.xid > settled.xid ORDER BY c.xid LIMIT ${MAX_ABOVE})::text[]
               AS above
           FROM settled`,
  });
  const { origin, first, last, above } = rows[0]!;
  return { origin, first: BigInt(first ?? 0), last: BigInt(last ?? 0), above: above.map(BigInt) };
}

/** Those that changed last come first. */
export function createChangesSince(names: readonly string[]) {
  const { selected } = counterColumns(names);
  return async (client: Client, { after, except, limit }: ChangesSince): Promise<ChangedProduct[]> => {
    const { rows } = await client.query({
      name: 'changes_since',
      text: `WITH changed AS MATERIALIZED (
               SELECT product_id, max(xid) AS xid FROM changes, unnest(product_ids) AS product_id
               WHERE xid > $1::xid8 AND xid <> ALL ($2::xid8[])
               GROUP BY product_id ORDER BY max(xid) DESC LIMIT $3
             )
             SELECT changed.xid, product_id AS "productId", ${selected} FROM changed JOIN counts_total USING (product_id)`,
      values: [String(after), arrayLiteral(except.map(String)), limit],
    });
    return rows.map(({ xid, ...counts }) => ({ xid: BigInt(xid), counts }));
  };
}

export const changesSince = createChangesSince(COUNTER_NAMES);
