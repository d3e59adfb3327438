/** Drives PostgreSQL by pgbench, the strongest client there is: what a statement can do at all. */
import { execFile } from 'node:child_process';
import { access, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const DEBIAN = '/usr/lib/postgresql';
const RUN_CAP_MS = 600_000;

export const PGBENCH_MISSING =
  'not measured: there is no pgbench on the PATH or below /usr/lib/postgresql; install it (Debian: apt-get install postgresql-contrib) and run again';

/** Path of pgbench; undefined when the machine has none. */
export async function findPgbench(): Promise<string | undefined> {
  const versions = await readdir(DEBIAN).catch((): string[] => []);
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(DEBIAN, version, 'bin')),
  ];
  for (const folder of folders) {
    const file = join(folder, 'pgbench');
    const found = await access(file).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  return undefined;
}

export type PgbenchRun = {
  readonly pgbench: string;
  readonly url: string;
  readonly script: string;
  readonly clients: number;
  readonly extent: { readonly transactionsPerClient: number } | { readonly seconds: number };
  readonly variables?: Readonly<Record<string, number>>;
};

/** Runs a script; gives transactions a second without the time to connect, and how many were carried out. */
export async function runPgbench({
  pgbench,
  url,
  script,
  clients,
  extent,
  variables = {},
}: PgbenchRun): Promise<{ perSecond: number; transactions: number }> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const folder = await mkdtemp(join(tmpdir(), 'pgbench-'));
  try {
    const file = join(folder, 'script.sql');
    await writeFile(file, script);
    const { stdout } = await promisify(execFile)(
      pgbench,
      [
        ...['-n', '-M', 'prepared', '-h', hostname, '-p', port, '-U', username],
        ...['-c', String(clients), '-j', String(Math.min(clients, 2)), '-f', file],
        ...('seconds' in extent
          ? ['-T', String(extent.seconds)]
          : ['-t', String(extent.transactionsPerClient)]),
        ...Object.entries(variables).flatMap(([name, value]) => ['-D', `${name}=${value}`]),
        pathname.slice(1),
      ],
      {
        env: { ...process.env, PGPASSWORD: decodeURIComponent(password) },
        timeout: RUN_CAP_MS,
      },
    );
    return readReport(stdout);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Reads what pgbench (15 to 18) prints at its end. Throws when it reports failures. */
export function readReport(text: string): { perSecond: number; transactions: number } {
  const perSecond = Number(/^tps = ([0-9.]+)/m.exec(text)?.[1]);
  const transactions = Number(/^number of transactions actually processed: ([0-9]+)/m.exec(text)?.[1]);
  const failed = Number(/^number of failed transactions: ([0-9]+)/m.exec(text)?.[1] ?? 0);
  if (!(perSecond > 0) || !(transactions > 0) || failed > 0) throw new Error(`pgbench says: ${text}`);
  return { perSecond, transactions };
}
