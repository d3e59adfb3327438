import { createRelayMetrics } from '@micromart/kafka/metrics';
import { isDiskFull } from '@micromart/postgres/failure';
import type { Logger } from '@micromart/process/logger';
import type { Running } from '@micromart/service/run';
import { startService } from '@micromart/service/start-service';
import { createSweepMetrics } from '@micromart/sweeping/metrics';
import { startSweeping } from '@micromart/sweeping/sweeping';
import { IMPORT_LIMITS, type ImportLimits } from './imports/limits.ts';
import { createPace } from './imports/pace.ts';
import { createRunImport } from './imports/run-import.ts';
import { writeDuePrices } from './jobs/due-prices.ts';
import { every } from './jobs/every.ts';
import { createJobHandler } from './jobs/job-handler.ts';
import { createJobMetrics } from './jobs/metrics.ts';
import { openJobRepository } from './jobs/postgres-job-repository.ts';
import { createRunChange } from './jobs/run-change.ts';
import { refreshSearchWords } from './jobs/search-words.ts';
import { openQueue } from './queue/pg-boss.ts';
import { openRelay } from './queue/postgres-relay.ts';
import { isUnavailable, openCatalogWriter } from './store/open-store.ts';
import type { WorkerConfig } from './worker-config.ts';

/** Single changes are fetched many at a time, because the store writes them together. */
const CHANGES = { batch: 50, concurrency: 2 };
/** Imports mostly wait for their upstreams, so several run at once. */
export const IMPORTS = { batch: 1, concurrency: 8 };

const DUE_INTERVAL_MS = 1_000;
/** A worker of the version before may write products beside this one. */
const SEARCH_WORDS_INTERVAL_MS = 30_000;
const HOUSEKEEPING_INTERVAL_MS = 60_000;
const MAX_HOUSEKEEPING = 1_000;

/**
 * The catalog's worker as a value, the only writer of the catalog: it runs jobs, stores due prices, and publishes the
 * events to Kafka if that is configured. It creates the schemas of both databases and grants the API its part. Over HTTP it
 * serves only health and metrics.
 */
export const startCatalogWorker = (
  config: WorkerConfig,
  logger: Logger,
  { limits = IMPORT_LIMITS }: { limits?: ImportLimits } = {},
): Promise<Running> =>
  startService({ name: 'catalog-worker', settings: config, logger }, async ({ metrics, opened, started }) => {
    const apiRole = config.API_ROLE;
    const now = () => new Date();
    const warn = (part: string) => (err: unknown) => logger.warn({ err }, part);
    const ending = new AbortController();
    started({ close: () => ending.abort() });
    const store = opened(await openCatalogWriter(config.STORE_URL, { apiRole, onError: warn('store') }));
    const queue = started(await openQueue(config.QUEUE_URL, warn('queue')));
    const jobRepository = opened(
      await openJobRepository(config.QUEUE_URL, { send: queue.send, apiRole, onError: warn('jobs') }),
    );

    const relay = config.KAFKA_PUBLISH_URL
      ? started(
          await openRelay(store.log, {
            queueUrl: config.QUEUE_URL,
            url: config.KAFKA_PUBLISH_URL,
            caFile: config.KAFKA_CA_FILE,
            metrics: createRelayMetrics(metrics.registry),
            logger,
          }),
        )
      : undefined;
    const jobMetrics = createJobMetrics(metrics.registry, jobRepository);
    createSweepMetrics(metrics.registry, { sweeps: [...store.sweeps, ...jobRepository.sweeps] });
    const handling = { jobRepository, metrics: jobMetrics, logger, isUnavailable, chance: Math.random };
    const pace = createPace();
    const runImport = createRunImport(
      {
        store,
        jobRepository,
        requestOptions: { allowed: config.IMPORT_ALLOWED_HOSTS, limits },
        pace,
        now,
        onChunk: jobMetrics.chunk,
      },
      { jobRepository, ending: ending.signal, onError: warn('jobs') },
    );
    await queue.work('changes', CHANGES, createJobHandler(handling, createRunChange(store, now)));
    await queue.work('imports', IMPORTS, createJobHandler(handling, runImport));
    const refresh = () => refreshSearchWords(store, { pace, ending: ending.signal });
    started(every(DUE_INTERVAL_MS, () => writeDuePrices(store, now()), warn('due prices')));
    started(every(SEARCH_WORDS_INTERVAL_MS, refresh, warn('search words')));
    started(every(HOUSEKEEPING_INTERVAL_MS, () => jobRepository.redeliver(MAX_HOUSEKEEPING), warn('jobs')));
    started(startSweeping(jobRepository.sweeps, { onError: warn('jobs') }));

    return {
      routes: [],
      checks: [
        { name: 'store', check: store.check },
        ...(store.checkWrites ? [{ name: 'writes', optional: true, check: store.checkWrites }] : []),
        { name: 'jobs', check: jobRepository.check },
        ...(relay ? [relay.check] : []),
      ],
      isUnavailable,
      isDiskFull,
    };
  });
