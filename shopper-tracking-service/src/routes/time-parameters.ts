/** What questions about time take: a zone, and a window whose ends are in order. */
import { instant } from '@micromart/http/parameters';
import { problem } from '@micromart/http/problem';
import { z } from 'zod';
import { MAX_POINTS, USUAL_POINTS } from '../series.ts';
import { MAX_NAME_LENGTH, readZone, UTC, ZONE_NAME } from '../zone.ts';

/** `tz=`: the zone whose days and hours are meant. */
export const timeZone = z
  .string()
  .max(MAX_NAME_LENGTH)
  .transform((name, context) => {
    const zone = readZone(name);
    if (zone) return zone;
    context.addIssue({
      code: 'custom',
      message: 'must be the IANA name of a time zone, as in Europe/Berlin',
    });
    return z.NEVER;
  })
  .default(UTC)
  .meta({
    description: 'Days and hours are those of this time zone: an IANA name, in capitals or small letters',
    pattern: ZONE_NAME.source,
    example: 'Europe/Berlin',
  });

/** `from=` of what is answered point by point; `point` is what one is called. */
export const firstPoint = (point: string) =>
  instant()
    .optional()
    .meta({
      description: `The first ${point} is the one in which this lies; at most ${MAX_POINTS} before the end, ${USUAL_POINTS} where it is left out`,
    });

/** Throws `invalid` where `from` lies after `to`. */
export function requireOrder({ from, to }: { from?: Date | undefined; to?: Date | undefined }): void {
  if (!from || !to || from <= to) return;
  throw problem('invalid', '`from` must not lie after `to`.', {
    errors: [{ path: 'query.from', message: 'must not lie after to' }],
  });
}

/** A time as answers write it. */
export const timeOf = (timeMs: number): string => new Date(timeMs).toISOString();
