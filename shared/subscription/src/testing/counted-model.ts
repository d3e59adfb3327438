/** For tests: a read model of tables that counts events by key, and units since its second shape. */
import type { LoggedEvent } from '@micromart/events/envelope';
import { arrayLiteral, textArray } from '@micromart/postgres/binary-array';
import { migrate } from '@micromart/postgres/migrate';
import type { ReadModel } from '../generations/read-model.ts';
import { createTableModel } from '../generations/table-model.ts';
import { subscriptionMigrations } from '../migrations.ts';

export const COUNTED = 'counted-keys';

const countedMigrations = { name: 'counted', folder: new URL('./migrations/', import.meta.url) };

export const migrateCounted = (url: string): Promise<void> =>
  migrate(url, [subscriptionMigrations, countedMigrations]);

type Data = { readonly units?: number; readonly invalid?: true };

/** `isValid` decides which events can be counted; the others are at fault. */
export const countedModel = (
  url: string,
  {
    shape = 1,
    isValid = ({ data }: LoggedEvent) => !(data as Data).invalid,
  }: { shape?: number; isValid?: (event: LoggedEvent) => boolean } = {},
): ReadModel<LoggedEvent> =>
  createTableModel<LoggedEvent>({
    name: COUNTED,
    shape,
    url,
    migrations: countedMigrations,
    tables: [
      { name: 'counted', keys: ['key'], counters: { times: 1, units: 2 } },
      { name: 'counted_lately', keys: ['key'], counters: { times: 1 }, swept: true },
    ],
    projection: () => ({
      parse(event) {
        if (!isValid(event)) throw new Error('it cannot be counted');
        return event;
      },
      effects: (events) => {
        const byKey = [...Map.groupBy(events, (event) => event.partitionkey)].sort();
        if (byKey.length === 0) return [];
        const units = (some: readonly LoggedEvent[]) =>
          some.reduce((sum, { data }) => sum + ((data as Data).units ?? 0), 0);
        return [
          {
            name: 'count',
            text: `INSERT INTO counted AS c (key, times, units) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
                   ON CONFLICT (key) DO UPDATE SET times = c.times + excluded.times, units = c.units + excluded.units`,
            values: [
              textArray(byKey.map(([key]) => key)),
              arrayLiteral(byKey.map(([, some]) => some.length)),
              arrayLiteral(byKey.map(([, some]) => (shape >= 2 ? units(some) : 0))),
            ],
          },
        ];
      },
    }),
    onError: () => {},
  });
