/**
 * Starts the system that a plan describes, and ends it in order: the services first, each with time to finish what it
 * has in hand, PostgreSQL last. A start that fails half-way ends what it had started.
 */
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { endLeftOver } from '@micromart/shared/postgres/embedded-leftover';
import type { Settings } from './arguments.ts';
import { emptyDataFolder, openDataFolder } from './data-folder.ts';
import { prepareDatabases, roleUrl } from './databases.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { requireFreePorts } from './free-ports.ts';
import { type Issuer, prepareIssuer } from './issuer.ts';
import type { Output } from './output.ts';
import { openPasswords } from './passwords.ts';
import type { Plan, ProcessPlan } from './plan.ts';
import { readable } from './readable.ts';
import { awaitReady } from './readiness.ts';
import { type RunFolder, takeRunFolder } from './run-folder.ts';
import { startServiceTokens } from './service-tokens.ts';
import { type Supervised, supervise } from './supervisor.ts';

export type System = {
  /** Resolves once every process is ready or has had its time; each has then printed its line. */
  readonly settled: Promise<void>;
  close(): Promise<void>;
  /** Kills the services at once, for whoever does not want to wait; `close` comes back the sooner. */
  kill(): void;
};

export type StartOptions = {
  readonly plan: Plan;
  readonly settings: Settings;
  readonly fresh: boolean;
  /** Where the processes' entry files are found. */
  readonly root: string;
  /** The Node that runs them. */
  readonly node: string;
  readonly output: Output;
};

const RUN_FOLDER = 'run';
const POSTGRES_FOLDER = 'postgres';
const POSTGRES_NAME = 'postgresql';
const LAUNCHER_NAME = 'launcher';
/** A young generation of 4 MB: a smaller one saves a few megabytes, and costs a third of a busy service's time. */
const NODE_FLAGS = ['--max-semi-space-size=4'];

/** The names that print, in the order of their colours. */
export const printingNames = (plan: Plan): string[] => [
  ...plan.processes.map(({ name }) => name),
  POSTGRES_NAME,
  LAUNCHER_NAME,
];

export async function startSystem(options: StartOptions): Promise<System> {
  const { plan, settings, fresh, output } = options;
  const { dataDir, host } = settings;
  const closers: (() => Promise<void> | void)[] = [];
  const close = async () => {
    const failures: unknown[] = [];
    for (const closer of closers.splice(0).reverse()) {
      try {
        await closer();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  };
  try {
    await openDataFolder(dataDir);
    const run = await takeRunFolder(join(dataDir, RUN_FOLDER));
    closers.push(() => run.release());
    const tell = (line: string) => output.line(LAUNCHER_NAME, line);
    await run.endLeftOver(tell);
    await endLeftOver(join(await realpath(dataDir), POSTGRES_FOLDER), tell);
    await requireFreePorts(host, plan.processes);
    if (fresh) await emptyDataFolder(dataDir, RUN_FOLDER);

    const issuer = plan.issuerFolder ? await prepareIssuer(plan.issuerFolder) : undefined;
    const storeUrl = await startStores(options, closers);
    if (issuer) await startTokens(options, issuer, closers);

    const services = plan.processes.map((process) => startService(process, options, run, storeUrl));
    const ending = new AbortController();
    closers.push(() => Promise.all(services.map((service) => service.stop())).then(() => {}));
    closers.push(() => ending.abort());
    const settled = plan.processes.map((process) => tellWhenReady(process, output, ending.signal));
    return {
      settled: Promise.all(settled).then(() => {}),
      close,
      kill: () => {
        for (const service of services) service.kill();
      },
    };
  } catch (error) {
    // Why it did not start matters more than what did not close.
    await close().catch(() => {});
    throw error;
  }
}

type StoreUrl = (database: string, role: string) => string;

async function startStores(
  { plan, settings: { dataDir }, output }: StartOptions,
  closers: (() => Promise<void> | void)[],
): Promise<StoreUrl> {
  if (!plan.postgres) return () => '';
  const passwordOf = await openPasswords(join(dataDir, 'database-secret'));
  const server = await startEmbeddedPostgres({
    folder: join(dataDir, POSTGRES_FOLDER),
    port: plan.postgres.port,
    superuserPassword: passwordOf('postgres'),
    print: (line) => output.line(POSTGRES_NAME, line),
  });
  closers.push(() => server.stop());
  await prepareDatabases(server.url, plan.postgres.databases, passwordOf);
  return (database, role) => roleUrl(server.url, database, role, passwordOf(role));
}

async function startTokens(
  { plan, output }: StartOptions,
  issuer: Issuer,
  closers: (() => Promise<void> | void)[],
): Promise<void> {
  const holders = plan.processes.flatMap(({ name, tokenFile: file }) => (file ? [{ name, file }] : []));
  const onError = (error: unknown) =>
    output.line(LAUNCHER_NAME, `a token could not be renewed, trying again: ${(error as Error).message}`);
  const tokens = await startServiceTokens(holders, { issuer, onError });
  closers.push(() => tokens.close());
}

function startService(
  { name, entry, environment, embeddedStores }: ProcessPlan,
  { root, node, output }: StartOptions,
  run: RunFolder,
  storeUrl: StoreUrl,
): Supervised {
  const stores = embeddedStores.map(({ setting, database, role }) => [setting, storeUrl(database, role)]);
  const supervised = supervise(
    {
      file: node,
      arguments: [...NODE_FLAGS, join(root, entry)],
      environment: { ...environment, ...Object.fromEntries(stores) },
      folder: root,
    },
    {
      onStart: (pid) => run.remember(name, pid),
      // Whoever looks for a fault wants it all.
      onLine: (line) => output.line(name, environment.LOG_LEVEL === 'debug' ? line : readable(line)),
      onEnd: (how, againInMs) => output.line(name, `${how}; starts again in ${againInMs} ms`),
    },
  );
  return {
    ...supervised,
    stop: async () => {
      await supervised.stop();
      await run.forget(name);
    },
  };
}

async function tellWhenReady({ name, url }: ProcessPlan, output: Output, signal: AbortSignal): Promise<void> {
  try {
    const lack = await awaitReady(url, signal);
    output.line(name, lack ? `is not ready yet: ${lack}` : `ready at ${url}`);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
