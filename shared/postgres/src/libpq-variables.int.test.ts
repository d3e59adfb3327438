import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { removeLibpqVariables } from './libpq-variables.ts';

/** All variables that the driver reads, set for another server or to values that do not work. */
const VARIABLES: Readonly<Record<string, string>> = {
  PGHOST: '192.0.2.1',
  PGHOSTADDR: '192.0.2.1',
  PGPORT: '1',
  PGUSER: 'somebody',
  PGDATABASE: 'elsewhere',
  PGPASSWORD: 'wrong',
  PGPASSFILE: '/nowhere',
  PGOPTIONS: '-c search_path=nowhere -c no_such_setting=1',
  PGAPPNAME: 'another',
  PGSSLMODE: 'require',
  PGSSLNEGOTIATION: 'direct',
  PGSSLCERT: '/nowhere',
  PGSSLKEY: '/nowhere',
  PGSSLROOTCERT: '/nowhere',
  PGCLIENT_ENCODING: 'LATIN1',
  PGREPLICATION: 'true',
  PGBINARY: 'true',
  PGCONNECT_TIMEOUT: '1',
  PGTZ: 'Asia/Tokyo',
  PGDATESTYLE: 'German',
  PGSERVICE: 'nowhere',
  NODE_PG_FORCE_NATIVE: '1',
};
/** Those that break the driver, or change what it does, unless they are removed. */
const HARMFUL = ['PGOPTIONS', 'PGSSLMODE', 'PGSSLNEGOTIATION', 'PGREPLICATION', 'NODE_PG_FORCE_NATIVE'];

const module = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);

/** Runs a script in a process with these variables added to its environment. */
const inProcess = async (script: string, variables: Record<string, string>): Promise<string> => {
  const environment = {
    PATH: process.env.PATH,
    TEST_POSTGRES_URL: process.env.TEST_POSTGRES_URL,
    ...variables,
  };
  const args = ['--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: environment });
  return stdout;
};

const ASK = `
  const { openPool } = await import(${module('./pool.ts')});
  const pool = openPool(process.env.TEST_POSTGRES_URL, { max: 1, name: 'asks' });
  const { rows: [row] } = await pool.query("SELECT current_setting('search_path') AS path");
  process.stdout.write(JSON.stringify(row));
  await pool.end();`;
const REMOVE_AND_ASK = `
  const { removeLibpqVariables } = await import(${module('./libpq-variables.ts')});
  removeLibpqVariables(process.env);
  ${ASK}`;
const DEFAULT_PATH = '{"path":"\\"$user\\", public"}';

test.each([...Object.keys(VARIABLES).map((name) => [name]), ['all']])(
  '%s of the shell affects no connection',
  async (name) => {
    const variables = name === 'all' ? VARIABLES : { [name]: VARIABLES[name]! };
    expect(await inProcess(REMOVE_AND_ASK, variables)).toBe(DEFAULT_PATH);
  },
);

test.each(HARMFUL)('%s would affect it without the removal', async (name) => {
  const asked = inProcess(ASK, { [name]: VARIABLES[name]! });
  expect(await asked.catch(() => 'failed')).not.toBe(DEFAULT_PATH);
});

test("a test run's own server starts and is reached whatever the shell has set", async () => {
  const script = `
    delete process.env.TEST_POSTGRES_URL;
    await (await import(${module('../../testing/src/global-setup.ts')})).default();
    try {
      ${ASK}
    } finally {
      await (await import(${module('../../testing/src/global-teardown.ts')})).default();
    }`;
  expect(await inProcess(script, VARIABLES)).toBe(DEFAULT_PATH);
});

test('removes no other variable', () => {
  const environment = { PATH: '/bin', PG: '1', pgpassword: 'x', MY_PGHOST: 'y', TEST_POSTGRES_URL: 'z' };
  const before = { ...environment };
  removeLibpqVariables(environment);
  expect(environment).toEqual(before);
});
