import { parseArgs } from 'node:util';

export type Arguments =
  | { readonly help: true }
  | {
      readonly help: false;
      readonly figures: readonly string[];
      readonly pairs: number;
      readonly quick: boolean;
      readonly data: string | undefined;
    };

const DEFAULT_PAIRS = 5;
const QUICK_PAIRS = 2;
const MAX_PAIRS = 100;

export const helpText = (figures: readonly string[]): string => `npm run bench [-- <figure> …]

Measures Micromart against others, side by side, and keeps the results in bench/results.json and bench/README.md.

  <figure>     ${figures.join(', ')}; all of them unless some are named
  --pairs <n>  rounds after the warm-up; ${DEFAULT_PAIRS} unless told, and no fewer for publishing
  --quick      less of everything, ${QUICK_PAIRS} rounds: to see whether it works; nothing is kept
  --data <dir> an empty folder for the database; one below the system's temporary folder unless told
  --help       shows this
`;

/** Throws for what it does not know. */
export function parseArguments(words: readonly string[], known: readonly string[]): Arguments {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      pairs: { type: 'string' },
      quick: { type: 'boolean', default: false },
      data: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return { help: true };
  const figures = positionals.map((word) => word.toUpperCase());
  const unknown = figures.find((figure) => !known.includes(figure));
  if (unknown) throw new Error(`there is no figure ${unknown}; there are ${known.join(', ')}`);
  const pairs = Number(values.pairs ?? (values.quick ? QUICK_PAIRS : DEFAULT_PAIRS));
  if (!Number.isInteger(pairs) || pairs < 1 || pairs > MAX_PAIRS)
    throw new Error(`--pairs must be a whole number from 1 to ${MAX_PAIRS}`);
  return {
    help: false,
    figures: figures.length > 0 ? figures : known,
    pairs,
    quick: values.quick,
    data: values.data,
  };
}
