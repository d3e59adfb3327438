/**
 * One statement for one change, with the same effects as ours (state, event in its dense sequence, idempotency record,
 * the commit's mark), but without anything that only batches need: what a store without group commit can come to,
 * driven by pgbench.
 */
import { CARTS, fillCarts, openCartStore, requireChanged } from '../cart-database.ts';
import type { Server } from '../database.ts';
import { type Drive, driveByPgbench } from './drive-by-pgbench.ts';

/** The state is what the client would send: text of the same size, with the quantity that the change sets. */
const SCRIPT = `\\set n random(0, ${CARTS - 1})
\\set quantity random(2, 9)
WITH old AS (
  SELECT c.id, c.version FROM carts c JOIN cart_ids i USING (id) WHERE i.n = :n FOR UPDATE OF c
), head AS (
  UPDATE event_log_heads SET last = last + 1 WHERE partition = :n % 16 AND EXISTS (SELECT FROM old)
  RETURNING partition, last
), changed AS (
  UPDATE carts c SET version = old.version + 1, sequence = head.last,
    state = ('{"owner":"shopper","shopper":"0b8c1c5e-6d0e-4d5b-9b86-6a4f5a1b2c3d","state":"open","items":[{"productId":"product-0","quantity":' || :quantity::text || ',"addedAt":"2026-11-01T09:30:00.000Z","name":"Product product-0","unitPrice":{"amount":399,"currency":"USD"}},{"productId":"product-1","quantity":1,"addedAt":"2026-11-01T09:30:00.000Z","name":"Product product-1","unitPrice":{"amount":399,"currency":"USD"}},{"productId":"product-2","quantity":1,"addedAt":"2026-11-01T09:30:00.000Z","name":"Product product-2","unitPrice":{"amount":399,"currency":"USD"}},{"productId":"product-3","quantity":1,"addedAt":"2026-11-01T09:30:00.000Z","name":"Product product-3","unitPrice":{"amount":399,"currency":"USD"}},{"productId":"product-4","quantity":1,"addedAt":"2026-11-01T09:30:00.000Z","name":"Product product-4","unitPrice":{"amount":399,"currency":"USD"}}]}')::json
  FROM old, head WHERE c.id = old.id RETURNING c.id, c.version, c.state
), event AS (
  INSERT INTO event_log_events (partition, sequence, id, type, subject, key, time, data)
  SELECT head.partition, head.last, gen_random_uuid(), 'cart.item-added', c.id, c.id, now(),
    ('{"cartId":"' || c.id || '","shopper":"0b8c1c5e-6d0e-4d5b-9b86-6a4f5a1b2c3d","productId":"product-0","quantity":1,"unitPrice":{"amount":399,"currency":"USD"},"cartVersion":2}')::json
  FROM changed c, head
), record AS (
  INSERT INTO idempotency_keys (scope, key, fingerprint, answer, partition, sequence)
  SELECT 'shopper', gen_random_uuid()::text, 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg', c.state, head.partition, head.last FROM changed c, head
), mark AS (
  INSERT INTO event_log_commits (id, written, partitions, heads)
  SELECT gen_random_uuid(), true, ARRAY[partition]::smallint[], ARRAY[last - 1] FROM head
)
SELECT version FROM changed;
`;

export const changeByPgbench = (server: Server, drive: Drive): Promise<number> =>
  driveByPgbench(server, drive, {
    script: SCRIPT,
    async prepare(pool, url) {
      // Opening makes the tables.
      await (await openCartStore(url)).close();
      await fillCarts(pool);
    },
    check: requireChanged,
  });
