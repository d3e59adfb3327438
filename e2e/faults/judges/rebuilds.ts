import type { Evidence } from '../evidence/evidence.ts';

const MAX_SHOWN = 300;

/** A generation that was built from the log beside the live one came to the same, row by row. */
export const judgeRebuilds = ({ compared }: Evidence): string[] =>
  compared.flatMap(({ generation, rows, differing, otherHistory, listed }) => [
    ...(differing > 0
      ? [
          `${generation} differs in ${differing} of ${rows} rows: ${JSON.stringify(listed).slice(0, MAX_SHOWN)}`,
        ]
      : []),
    ...(otherHistory === null ? [] : [`${generation} could not be compared: ${otherHistory}`]),
  ]);
