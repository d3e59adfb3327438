/** What questions about time take: a zone, and a window whose ends are in order. */
import { problem } from '@micromart/http/problem';
import { z } from 'zod';
import { readZone, UTC, ZONE_NAME } from '../zone.ts';

/** `tz=`: the zone whose days and hours are meant. */
export const timeZone = z
  .string()
  .max(64)
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

/** Throws `invalid` where `from` lies after `to`. */
export function requireOrder({ from, to }: { from?: Date | undefined; to?: Date | undefined }): void {
  if (!from || !to || from <= to) return;
  throw problem('invalid', '`from` must not lie after `to`.', {
    errors: [{ path: 'query.from', message: 'must not lie after to' }],
  });
}

/** A time as answers write it. */
export const timeOf = (timeMs: number): string => new Date(timeMs).toISOString();
