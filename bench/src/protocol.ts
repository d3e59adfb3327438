/**
 * How two things are compared: side by side, in turn, several times. One round is one leg of each contestant, one after
 * the other (A B A B …), so that whatever else the machine does falls on all of them; the first rounds are thrown away.
 * A leg checks its own answer and throws WrongAnswer, for which the whole figure is void.
 */

/** Carries out one leg and gives its measure: a rate, or a duration, as the figure says. */
export type Leg = { readonly name: string; run(): Promise<number> };

export type Spread = { readonly median: number; readonly least: number; readonly most: number };

export type Comparison = {
  readonly ours: Spread;
  readonly peer: Spread;
  /** Ours by theirs: of the medians, and the smallest and largest of any one round. */
  readonly ratio: Spread;
};

/** A contestant was fast and wrong: its figure counts for nothing. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';
}

/** Throws WrongAnswer unless both are the same JSON. */
export function requireSame(what: string, found: unknown, expected: unknown): void {
  const [is, should] = [JSON.stringify(found), JSON.stringify(expected)];
  if (is !== should) throw new WrongAnswer(`${what}: ${is} where it should be ${should}`);
}

/** Runs the rounds; gives each leg's measures in the order of the rounds, without those of the warm-up. */
export async function runRounds(
  legs: readonly Leg[],
  { rounds, warmUps, tell }: { rounds: number; warmUps: number; tell: (line: string) => void },
): Promise<number[][]> {
  const measures: number[][] = legs.map(() => []);
  for (let round = -warmUps; round < rounds; round += 1) {
    for (const [n, leg] of legs.entries()) {
      const measure = await leg.run();
      if (round >= 0) measures[n]!.push(measure);
      tell(`  ${round < 0 ? 'warm-up' : `round ${round + 1}`}  ${leg.name}: ${format(measure)}`);
    }
  }
  return measures;
}

export function compare(ours: readonly number[], peer: readonly number[]): Comparison {
  const byRound = spreadOf(ours.map((measure, round) => measure / peer[round]!));
  const [a, b] = [spreadOf(ours), spreadOf(peer)];
  return { ours: a, peer: b, ratio: { ...byRound, median: a.median / b.median } };
}

/** Throws for no measures at all. */
export function spreadOf(measures: readonly number[]): Spread {
  if (measures.length === 0) throw new Error('nothing was measured');
  return { median: quantile(measures, 0.5), least: Math.min(...measures), most: Math.max(...measures) };
}

/** The value below which a share `q` of the measures lies, interpolated between the two nearest. */
export function quantile(measures: readonly number[], q: number): number {
  const sorted = measures.toSorted((a, b) => a - b);
  const place = q * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
  return below + (above - below) * (place - Math.floor(place));
}

/** A number as a table shows it: three digits that mean something. */
export function format(value: number): string {
  if (value >= 1_000) return Math.round(Number(value.toPrecision(3))).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}
