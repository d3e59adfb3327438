/**
 * Writers that behave badly: they hold their transactions open, roll them back, or lose their connection in the middle
 * of them. They write by the product's own statement, straight into the cart's database.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Draw } from '@micromart/demo/draws';
import { createWriter } from '@micromart/event-log-postgres/write';
import { createPositioner } from '@micromart/events/assign-positions';
import type { NewEvent } from '@micromart/events/envelope';
import { PARTITIONS } from '@micromart/events/partition';
import { inTransaction, openPool } from '@micromart/postgres/pool';

export type Written = { readonly committed: number; readonly rolledBack: number; readonly died: number };

const WRITERS = 16;
const MAX_EVENTS = 20;
const MAX_CARTS = 3;
const MAX_WAIT_MS = 12;
const PRODUCTS = 40;
const MAX_QUANTITY = 5;

class RolledBack extends Error {}

/** Writes until so many events are committed; gives the number of transactions by how they ended. */
export async function runWriters(
  url: string,
  { events, draw }: { events: number; draw: Draw },
): Promise<Written> {
  const pool = openPool(url, { max: WRITERS, name: 'faults' });
  const write = createWriter('carts');
  const ended = { committed: 0, rolledBack: 0, died: 0 };
  let left = events;

  const writeOnce = async () => {
    const assignPosition = createPositioner({ partitions: PARTITIONS, newId: randomUUID });
    const batch = drawEvents(draw).map((event) => assignPosition(event, undefined));
    const chance = draw(100);
    try {
      await inTransaction(pool, async (client) => {
        await write(client, { rows: [], events: batch, answers: [], commit: randomUUID() });
        await sleep(draw(MAX_WAIT_MS));
        if (chance < 15) throw new RolledBack();
        if (chance < 20) await client.query('SELECT pg_terminate_backend(pg_backend_pid())');
      });
      ended.committed += 1;
      left -= batch.length;
    } catch (error) {
      if (error instanceof RolledBack) ended.rolledBack += 1;
      else if (chance < 20) ended.died += 1;
      else throw error;
    }
  };
  const keepWriting = async () => {
    while (left > 0) await writeOnce();
  };
  try {
    await Promise.all(Array.from({ length: WRITERS }, keepWriting));
  } finally {
    await pool.end();
  }
  return ended;
}

function drawEvents(draw: Draw): NewEvent[] {
  const carts = Array.from({ length: 1 + draw(MAX_CARTS) }, () => randomUUID());
  const shopper = randomUUID();
  return Array.from({ length: 1 + draw(MAX_EVENTS) }, (_, n) => {
    const cartId = carts[n % carts.length]!;
    const productId = `p-${draw(PRODUCTS)}`;
    const quantity = 1 + draw(MAX_QUANTITY);
    return {
      type: draw(4) === 0 ? 'cart.item-removed' : 'cart.item-added',
      subject: cartId,
      key: cartId,
      time: new Date(),
      data: { cartId, shopper, productId, quantity, cartVersion: 2 },
    };
  });
}
