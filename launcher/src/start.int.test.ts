import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { endLeftOver } from '@micromart/engines/postgres/leftover';
import { until } from '@micromart/testing/until';
import { readAddresses } from './addresses.ts';
import { takeRunFolder } from './run-folder.ts';
import { freePortBase } from './testing/free-port-base.ts';

const START_CAP_MS = 60_000;
const TEST_CAP_MS = 180_000;
/** A product of the demo. */
const BANANAS = '1082185';

let home: string;
let environment: Record<string, string>;
let launchers: ChildProcess[];

beforeEach(async () => {
  home = await mkdtemp(join(await realpath(tmpdir()), 'start-'));
  await chmod(home, 0o711);
  const portBase = await freePortBase();
  environment = { PATH: process.env.PATH!, DATA_DIR: join(home, 'data'), PORT_BASE: String(portBase) };
  launchers = [];
});

afterEach(async () => {
  for (const child of launchers) if (child.exitCode === null) child.kill('SIGKILL');
  await Promise.all(launchers.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')));
  const run = await takeRunFolder(join(home, 'data/run'));
  await run.endLeftOver(() => {});
  await endLeftOver(join(home, 'data/postgres'), () => {});
  await rm(home, { recursive: true });
});

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const tokenMain = fileURLToPath(new URL('./token-main.ts', import.meta.url));

const start = async (): Promise<ChildProcess> => {
  const child = spawn(process.execPath, [main], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  launchers.push(child);
  let printed = '';
  child.stdout.on('data', (chunk) => {
    printed += chunk;
  });
  const up = () => {
    if (child.exitCode !== null) throw new Error('the launcher ended');
    return printed.includes('Everything runs');
  };
  await until(up, { capMs: START_CAP_MS });
  return child;
};

const end = async (child: ChildProcess): Promise<number | null> => {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  return (await exited)[0];
};

const token = async (role: string): Promise<string> =>
  (await promisify(execFile)(process.execPath, [tokenMain, role], { env: environment })).stdout.trim();

const ask = async (
  offset: number,
  path: string,
  role: string,
  body?: object | 'none',
): Promise<Record<string, unknown>> => {
  const response = await fetch(`http://127.0.0.1:${Number(environment.PORT_BASE) + offset}${path}`, {
    headers: { authorization: `Bearer ${await token(role)}`, 'content-type': 'application/json' },
    ...(body && { method: 'POST' }),
    ...(typeof body === 'object' && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Record<string, unknown>;
};

const putIntoACart = async (productId: string, quantity: number) => {
  const { id } = await ask(1, '/carts', 'shopper', 'none');
  await ask(1, `/carts/${id}/items`, 'shopper', { items: [{ productId, quantity }] });
};

const countsOf = (productId: string, added: number) =>
  until(async () => {
    const counts = await ask(4, `/products/${productId}/counts`, 'business');
    return counts.added === added && counts;
  });

test.each(['localhost', '::1'])(
  'fills the catalog when the services listen on %s, whatever PostgreSQL the shell names',
  async (HOST) => {
    const elsewhere = { PGSSLMODE: 'require', PGHOST: '192.0.2.1', PGOPTIONS: '-c no_such_setting=1' };
    environment = { ...environment, HOST, ...elsewhere };
    const child = await start();
    const { services } = await readAddresses(join(home, 'data'));
    const headers = { authorization: `Bearer ${await token('shopper')}` };
    await until(async () => {
      const { status } = await fetch(`${services['catalog-service']}/products/${BANANAS}`, { headers });
      return status === 200;
    });
    expect(await end(child)).toBe(0);
  },
  TEST_CAP_MS,
);

const imports = async (): Promise<object[]> => {
  const { items } = await ask(2, '/jobs', 'catalog');
  return (items as { kind: string }[]).filter(({ kind }) => kind === 'import');
};

test(
  'a first start fills the catalog, and counts survive when the launcher is killed',
  async () => {
    const first = await start();
    const product = await until(() => ask(2, `/products/${BANANAS}`, 'shopper'));
    expect(product).toMatchObject({ name: 'Bananas' });
    await putIntoACart(BANANAS, 2);
    expect(await countsOf(BANANAS, 1)).toMatchObject({ added: 1, removed: 0, unitsAdded: 2 });
    await until(async () => (await imports()).every((job) => 'state' in job && job.state === 'done'));

    const killed = once(first, 'exit');
    first.kill('SIGKILL');
    await killed;
    const second = await start();
    await putIntoACart(BANANAS, 3);
    expect(await countsOf(BANANAS, 2)).toMatchObject({ added: 2, unitsAdded: 5 });
    expect(await imports()).toHaveLength(1);

    expect(await end(second)).toBe(0);
    expect((await readdir(join(home, 'data/run'))).filter((name) => name.endsWith('.pid'))).toEqual([]);
  },
  TEST_CAP_MS,
);
