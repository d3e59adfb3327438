import type pg from 'pg';

/** A statement to execute. One with a name is prepared, once for each connection. */
export type Statement = {
  readonly name?: string;
  readonly text: string;
  /** Sent as they are; arrays are encoded beforehand (binary-array.ts). */
  readonly values: readonly (string | number | boolean | Buffer | null)[];
};

/** Executes a statement. Rejects with the driver's error (failure.ts). */
export const execute = <Row extends pg.QueryResultRow>(
  client: pg.ClientBase,
  { values, ...statement }: Statement,
): Promise<pg.QueryResult<Row>> => client.query<Row>({ ...statement, values: [...values] });

/** Executes statements one after the other; rejects with the error of the first that fails, and stops there. */
export async function executeAll(client: pg.ClientBase, statements: readonly Statement[]): Promise<void> {
  for (const statement of statements) await execute(client, statement);
}
