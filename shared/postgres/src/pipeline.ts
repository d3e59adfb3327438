/**
 * Statements that go to the server together and come back together: a Bind and an Execute for each, and one Sync behind the
 * last. That is a transaction by itself, without BEGIN and COMMIT: it is committed at the Sync, and where a statement
 * fails, the server leaves out the others up to there and rolls back (PostgreSQL manual, "Message Flow", "Pipelining").
 * The driver's own way, a Sync behind every statement, makes the server answer each of them by itself, and wakes us for
 * each.
 */
import pg from 'pg';
import type { Statement } from './statement.ts';

/** What has been prepared on a connection for trips: texts by name. Here alone, since the driver keeps account of its own. */
const prepared = new WeakMap<pg.Connection, Map<string, string>>();

const nameOnWire = (name: string): string => `trip ${name}`;

/** For a client that has nothing else to do meanwhile. Calls `done` once, with the error of the statement that failed. */
export class Pipeline extends pg.Query {
  /** Whether it prepares statements: if it fails then, nobody knows which of them exist, and its connection is of no use. */
  hasPrepared = false;
  readonly #statements: readonly Statement[];

  constructor(statements: readonly Statement[], done: (error?: Error) => void) {
    super({ text: '' }, done);
    this.#statements = statements;
  }

  /** The driver fails the query with the error that this gives, and sends nothing of it. */
  override submit = (connection: pg.Connection): Error | undefined => {
    const known = prepared.get(connection) ?? new Map<string, string>();
    prepared.set(connection, known);
    const toParse = new Set<string>();
    for (const { name, text } of this.#statements) {
      if (name === undefined || known.get(name) === text) continue;
      if (known.has(name)) return new Error(`the name ${name} stands for another statement already`);
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
