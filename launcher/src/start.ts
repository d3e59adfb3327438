/**
 * Starts the system that a plan describes, and ends it in order: first the services, each with time to finish what is in
 * flight, then the servers with their data. A start that fails half-way ends what it had started.
 */
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Issuer, prepareIssuer } from '@micromart/engines/issuer/issuer';
import { startServiceTokens } from '@micromart/engines/issuer/service-tokens';
import { endLeftOver } from '@micromart/engines/postgres/leftover';
import { removeAddresses, writeAddresses } from './addresses.ts';
import type { Settings } from './arguments.ts';
import { emptyDataFolder, openDataFolder } from './data-folder.ts';
import { type Closer, EMBEDDED_NAMES, POSTGRES_FOLDER, type StoreUrl, startEmbedded } from './embedded.ts';
import { fillCatalog } from './fill-catalog.ts';
import { requireFreePorts } from './free-ports.ts';
import { endLeftOverKafka } from './local-kafka.ts';
import { NODE_FLAGS } from './node-settings.ts';
import type { Output } from './output.ts';
import type { Plan, ProcessPlan } from './plan.ts';
import { readable } from './readable.ts';
import { askWhatIsMissing, awaitReady } from './readiness.ts';
import { type RunFolder, takeRunFolder } from './run-folder.ts';
import { type Supervised, supervise } from './supervisor.ts';

export type System = {
  /**
   * Resolves once every process is ready or its time is over; each has then printed its line. Rejects if one ended because it
   * cannot run with its settings.
   */
  readonly settled: Promise<void>;
  close(): Promise<void>;
  /** Kills the services at once; a `close` that waits for them then returns sooner. */
  kill(): void;
};

export type StartOptions = {
  readonly plan: Plan;
  readonly settings: Settings;
  readonly fresh: boolean;
  /** The folder of the processes' entry files. */
  readonly root: string;
  /** The Node that runs them. */
  readonly node: string;
  readonly output: Output;
};

const RUN_FOLDER = 'run';
const LAUNCHER_NAME = 'launcher';
const FEED_PATH = '/products.csv';
const FILL_TOKEN_TTL_S = 60;
/** After this time a service has found its optional parts, or has given them up for now. */
const COMPLETE_AFTER_MS = 15_000;

/** The names in the output, in the order of their colours. */
export const printingNames = (plan: Plan): string[] => [
  ...plan.processes.map(({ name }) => name),
  ...EMBEDDED_NAMES,
  LAUNCHER_NAME,
];

export async function startSystem(options: StartOptions): Promise<System> {
  const { plan, settings, fresh, output } = options;
  const { dataDir, host } = settings;
  const closers: Closer[] = [];
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
    await endLeftOverKafka(dataDir, { needed: fresh || plan.kafka !== undefined, log: tell });
    await requireFreePorts(host, plan.processes);
    if (fresh) await emptyDataFolder(dataDir, RUN_FOLDER);

    const issuer = plan.issuerFolder ? await prepareIssuer(plan.issuerFolder) : undefined;
    const storeUrl = await startEmbedded(options, closers);
    if (issuer) await startTokens(options, issuer, closers);

    await writeAddresses(dataDir, plan.addresses);
    closers.push(() => removeAddresses(dataDir));
    const refused = Promise.withResolvers<never>();
    const services = plan.processes.map((process) =>
      startService(process, { ...options, onRefusal: refused.reject }, run, storeUrl),
    );
    const ending = new AbortController();
    closers.push(() => Promise.all(services.map((service) => service.stop())).then(() => {}));
    closers.push(() => ending.abort());
    const told = plan.processes.map((process) => tellWhenReady(process, output, ending.signal));
    const settled = Promise.race([Promise.all(told).then(() => {}), refused.promise]);
    if (issuer) {
      const fill = () => fillCatalogOf(options, issuer, ending.signal);
      void settled.then(fill, () => {});
    }
    return {
      settled,
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

async function startTokens({ plan, output }: StartOptions, issuer: Issuer, closers: Closer[]): Promise<void> {
  const holders = plan.processes.flatMap(({ name, tokenFile: file }) => (file ? [{ name, file }] : []));
  const onError = (error: unknown) =>
    output.line(LAUNCHER_NAME, `a token could not be renewed, trying again: ${(error as Error).message}`);
  const tokens = await startServiceTokens(holders, { issuer, onError });
  closers.push(() => tokens.close());
}

function startService(
  { name, entry, environment, embeddedStores }: ProcessPlan,
  { root, node, output, onRefusal }: StartOptions & { onRefusal: (why: Error) => void },
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
      // With the level debug, show every line unchanged.
      onLine: (line) => output.line(name, environment.LOG_LEVEL === 'debug' ? line : readable(line)),
      onRefusal: () => {
        const why = `${name} cannot run with its settings, as it says above`;
        output.line(LAUNCHER_NAME, `${why}; it is not started again`);
        onRefusal(new Error(why));
      },
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

async function fillCatalogOf(
  { plan, output }: StartOptions,
  issuer: Issuer,
  signal: AbortSignal,
): Promise<void> {
  const urlOf = (name: string) => plan.processes.find((one) => one.name === name)?.url;
  const [catalogUrl, feedUrl] = [urlOf('catalog-service'), urlOf('supplier-feed')];
  if (!catalogUrl || !feedUrl) return;
  await fillCatalog({
    catalogUrl,
    feedUrl: `${feedUrl}${FEED_PATH}`,
    token: () => issuer.sign({ subject: LAUNCHER_NAME, roles: ['catalog'], ttlS: FILL_TOKEN_TTL_S }),
    print: (line) => output.line('catalog-service', line),
    signal,
  });
}

async function tellWhenReady({ name, url }: ProcessPlan, output: Output, signal: AbortSignal): Promise<void> {
  try {
    const lack = await awaitReady(url, signal);
    output.line(name, lack ? `is not ready yet: ${lack}` : `ready at ${url}`);
    if (!lack) void printWhatIsMissing(name, url, { output, signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** A service without Kafka is ready, so a wrong address would otherwise go unnoticed. */
async function printWhatIsMissing(
  name: string,
  url: string,
  { output, signal }: { output: Output; signal: AbortSignal },
): Promise<void> {
  try {
    await delay(COMPLETE_AFTER_MS, undefined, { signal });
    const missing = await askWhatIsMissing(url, signal);
    if (missing) output.line(name, `works without ${missing}`);
  } catch {
    // The service is ending or has ended; its supervisor reports that.
  }
}
