import { COMPARED, type CounterName, NO_COUNTS, type Tally } from './expected.ts';

export type Difference = {
  readonly productId: string;
  readonly counter: CounterName;
  /** The expected growth of the counter. */
  readonly sent: number;
  /** Its actual growth. */
  readonly counted: number;
};

/** Every counter of every product that did not grow by exactly what was sent, including untouched products. */
export function compare(before: Tally, after: Tally, sent: Tally): Difference[] {
  const differences: Difference[] = [];
  for (const productId of new Set([...sent.keys(), ...after.keys(), ...before.keys()])) {
    const was = before.get(productId) ?? NO_COUNTS;
    const is = after.get(productId) ?? NO_COUNTS;
    const expected = sent.get(productId) ?? NO_COUNTS;
    for (const counter of COMPARED) {
      const counted = is[counter] - was[counter];
      if (counted !== expected[counter])
        differences.push({ productId, counter, sent: expected[counter], counted });
    }
  }
  return differences;
}
