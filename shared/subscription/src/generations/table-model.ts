/**
 * A read model of tables. The first generation's are in the schema `public`, and brought up to date by the service. Each
 * further generation has a schema of its own, made by the same migrations, with the same names of tables. Only the service's
 * role need reach it, which owns it; the role must be allowed to create schemas in its database.
 */
import { type Migrations, migrate } from '@micromart/postgres/migrate';
import { type Client, openPool, type Pool } from '@micromart/postgres/pool';
import { type Sweep, type Sweeping, startSweeping } from '@micromart/sweeping/sweeping';
import type { Projection } from '../projection.ts';
import { compareTables } from './compare-tables.ts';
import type { CounterTable } from './counter-table.ts';
import type { Generation } from './generation.ts';
import type { ReadModel } from './read-model.ts';

export type TableModelSettings<E> = {
  readonly name: string;
  readonly shape: number;
  readonly url: string;
  readonly tables: readonly CounterTable[];
  /** They make these tables, and name no schema. */
  readonly migrations: Migrations;
  /** The projection for a generation; it needs the name only for tombstones. */
  readonly projection: (generation: string) => Projection<E>;
  /** The sweeps of a generation's tables. Those of the first generation are the service's own. */
  readonly sweeps?: (pool: Pool, schema: string) => readonly Sweep[];
  readonly onError: (error: unknown) => void;
};

const FIRST_SCHEMA = 'public';

/** PostgreSQL cuts longer names. */
const MAX_SCHEMA_LENGTH = 63;

/** The schema of a generation's tables: `cart_events_2` for `cart-events~2`. */
export function schemaOf({ name, number }: Pick<Generation, 'name' | 'number'>): string {
  const schema = number === 1 ? FIRST_SCHEMA : name.toLowerCase().replace(/[^a-z0-9]/g, '_');
  if (schema.length > MAX_SCHEMA_LENGTH) throw new Error(`the schema's name ${schema} is too long`);
  return schema;
}

export function createTableModel<E>(settings: TableModelSettings<E>): ReadModel<E> {
  const { name, shape, url, tables, migrations, onError } = settings;
  const tableNames = tables.map((table) => table.name);

  async function withClient<T>(work: (pool: Pool) => Promise<T>): Promise<T> {
    const pool = openPool(url, { max: 1, name: `storage of ${name}` });
    try {
      return await work(pool);
    } finally {
      await pool.end();
    }
  }

  function startSweeps(schema: string): Sweeping {
    if (schema === FIRST_SCHEMA || !settings.sweeps) return { sweeps: [], close: async () => {} };
    const searchPath = { search_path: schema };
    const pool = openPool(url, {
      max: 1,
      name: `sweeps of ${schema}`,
      settings: searchPath,
      onIdleError: onError,
    });
    const sweeping = startSweeping(settings.sweeps(pool, schema), { onError });
    return {
      sweeps: sweeping.sweeps.map(({ table, overdueS }) => ({ table: `${schema}.${table}`, overdueS })),
      async close() {
        await sweeping.close();
        await pool.end();
      },
    };
  }

  return {
    name,
    shape,

    async create(generation) {
      const schema = schemaOf(generation);
      await withClient((pool) => pool.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`));
      await migrate(url, [migrations], { schema });
    },

    async open(generation) {
      const schema = schemaOf(generation);
      if (schema !== FIRST_SCHEMA) await migrate(url, [migrations], { schema });
      const sweeping = startSweeps(schema);
      return {
        projection: settings.projection(generation.name),
        // The fence's own tables are in the first schema. It comes before the effects, so no effect ever reaches past it.
        sessionSettings: schema === FIRST_SCHEMA ? {} : { search_path: `${schema},${FIRST_SCHEMA}` },
        sweeps: sweeping.sweeps,
        close: sweeping.close,
      };
    },

    reading(live) {
      if (live.shape > shape) return undefined;
      const schema = schemaOf(live);
      return schema === FIRST_SCHEMA ? {} : { searchPath: `"${schema}"` };
    },

    size: (generation) =>
      withClient(async (pool) => {
        const { rows } = await pool.query<{ bytes: number }>(
          `SELECT COALESCE(sum(pg_total_relation_size(c.oid)), 0)::bigint AS bytes
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname = $1 AND c.relname = ANY($2)`,
          [schemaOf(generation), tableNames],
        );
        return rows[0]!.bytes;
      }),

    compare: (client, live, other, limit) =>
      compareTables(
        client,
        tables,
        { shape: live.shape, schema: schemaOf(live) },
        { shape: other.shape, schema: schemaOf(other) },
        limit,
      ),

    drop: (client, generation) => dropTables(client, schemaOf(generation), tableNames),
  };
}

/** Tables of the first schema are emptied: later migrations and older processes expect them. */
async function dropTables(client: Client, schema: string, tables: readonly string[]): Promise<void> {
  if (schema !== FIRST_SCHEMA) await client.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
  else await client.query(`TRUNCATE ${tables.map((table) => `${FIRST_SCHEMA}."${table}"`).join(', ')}`);
}
