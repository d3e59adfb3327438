import type { Statement } from '@micromart/postgres/statement';

/** What moves on the time from which on all closes say what was in the cart; undefined moves nothing. */
export const linesMissed = (completeFrom: number | undefined): readonly Statement[] =>
  completeFrom === undefined
    ? []
    : [
        {
          name: 'lines_missed',
          text: 'UPDATE lines_complete SET since = $1 WHERE since < $1',
          values: [new Date(completeFrom).toISOString()],
        },
      ];
