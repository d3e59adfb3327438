/**
 * A transaction in one round trip, by a subclass of the driver's query. It sends a Bind and an Execute for each statement, and
 * one Sync behind the last. Without BEGIN and COMMIT this is a transaction: the server commits it at the Sync. When a
 * statement fails, the server skips the others up to the Sync and rolls back (PostgreSQL manual, "Message Flow", "Pipelining").
 *
 * What for: the driver sends a Sync behind every statement, so the server answers each of them separately, and wakes this
 * process for each (docs/decisions/0012-a-batch-in-one-pipeline.md).
 *
 * How to take it out: let `inPipelinedTransaction` (pool.ts) call `executeAll` within `inTransaction`. Callers stay as they are.
 *
 * Which rows of bench/README.md would show it: P5, and P1.
 */
import pg from 'pg';
import type { Statement } from './statement.ts';

/** What pipelines have prepared on each connection: texts by name. The driver keeps a record of its own. */
const prepared = new WeakMap<pg.Connection, Map<string, string>>();

const nameOnWire = (name: string): string => `pipeline ${name}`;

/** For a client that executes nothing else meanwhile. Calls `done` once, with the error of the statement that failed. */
export class Pipeline extends pg.Query {
  /** Whether it prepares statements. If it fails then, it is unknown which exist, and the connection must be closed. */
  hasPrepared = false;
  readonly #statements: readonly Statement[];

  constructor(statements: readonly Statement[], done: (error?: Error) => void) {
    super({ text: '' }, done);
    this.#statements = statements;
  }

  /** The driver fails the query with the error that this returns, and sends nothing of it. */
  override submit = (connection: pg.Connection): Error | undefined => {
    const known = prepared.get(connection) ?? new Map<string, string>();
    prepared.set(connection, known);
    const toParse = new Set<string>();
    for (const { name, text } of this.#statements) {
      if (name === undefined || known.get(name) === text) continue;
      if (known.has(name)) return new Error(`the name ${name} is already used for another statement`);
      known.set(name, text);
      toParse.add(name);
      this.hasPrepared = true;
    }
    connection.stream.cork();
    for (const { name, text, values } of this.#statements) {
      const statement = name === undefined ? '' : nameOnWire(name);
      if (name === undefined || toParse.delete(name)) {
        connection.parse({ name: statement, text, types: [] }, true);
      }
      connection.bind({ statement, values: values.map(asSent) }, true);
      connection.describe({ type: 'P' }, true);
      connection.execute(null, true);
    }
    connection.sync();
    connection.stream.uncork();
    return undefined;
  };
}

const asSent = (value: Statement['values'][number]): string | Buffer | null =>
  typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
