import { columnOf } from '../counters.ts';

/** The parts of queries that name the counters' columns, derived from the counters' names. */
export type CounterColumns = {
  readonly names: readonly string[];
  /** `added, units_added, …` */
  readonly all: string;
  /** The same, with the counters' own names for the answer. */
  readonly selected: string;
  /**
   * Their sums over several rows, 0 over none. By floats, which are exact here, since counts stay far below 2^53: integers
   * would be added up as numerics, in four times the memory.
   */
  readonly sums: string;
  /** Each with the sign of its row. */
  readonly signed: string;
  /** Each of the table `t` plus that of `s`, which may have no row. */
  readonly added: string;
  /** Whether anything was counted. */
  readonly isCounted: string;
};

export function counterColumns(names: readonly string[]): CounterColumns {
  const columns = names.map(columnOf);
  const each = (part: (column: string) => string) => columns.map(part).join(', ');
  return {
    names,
    all: columns.join(', '),
    selected: names.map((name) => `${columnOf(name)} AS "${name}"`).join(', '),
    sums: each((column) => `coalesce(sum(${column}::float8), 0)::bigint AS ${column}`),
    signed: each((column) => `sign * ${column} AS ${column}`),
    added: each((column) => `t.${column} + coalesce(s.${column}, 0) AS ${column}`),
    isCounted: `(${columns.map((column) => `${column} > 0`).join(' OR ')})`,
  };
}
