import { readRows } from './csv-file.ts';
import type { Basket, BasketLine } from './plan.ts';

/** The most lines that a cart may have. */
const MAX_LINES = 500;
const ID = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/;
const QUANTITY = /^[1-9][0-9]{0,2}$/;

/**
 * Reads the first `limit` baskets of a CSV file with the columns shopper, basket, product and quantity (1 to 999), in which the
 * rows of a basket follow each other. It holds only one basket at a time. Throws at the first row that cannot go into a cart.
 */
export async function* readBaskets(file: string, limit: number): AsyncGenerator<Basket> {
  let basket: (Basket & { lines: BasketLine[] }) | undefined;
  let row = 1;
  let baskets = 0;
  for await (const fields of readRows(file, ['shopper', 'basket', 'product', 'quantity'])) {
    row++;
    const problem = problemOf(fields);
    if (problem) throw new Error(`${file}, row ${row}: ${problem}`);

    const [shopper, id, productId, quantity] = fields as [string, string, string, string];
    if (basket?.id !== id || basket.shopper !== shopper) {
      if (basket) yield basket;
      if (++baskets > limit) return;
      basket = { id, shopper, lines: [] };
    }
    if (basket.lines.length === MAX_LINES)
      throw new Error(`${file}, row ${row}: basket ${id} has more than ${MAX_LINES} lines`);
    basket.lines.push({ productId, quantity: Number(quantity) });
  }
  if (basket) yield basket;
}

function problemOf([shopper, basket, product, quantity]: readonly string[]): string | undefined {
  for (const [name, id] of Object.entries({ shopper, basket, product }))
    if (!ID.test(id!)) return `the ${name} "${id}" is not 1 to 64 characters of A-Z a-z 0-9 . _ -`;
  return QUANTITY.test(quantity!)
    ? undefined
    : `the quantity "${quantity}" is not a whole number from 1 to 999`;
}
