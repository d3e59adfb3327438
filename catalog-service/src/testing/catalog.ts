/** A catalog for tests: its two databases, its workers, and the job requests and the store as the API opens them. */
import { createLogger } from '@micromart/process/logger';
import type { Running } from '@micromart/service/run';
import { openTestIssuer, type TestIssuer } from '@micromart/testing/http';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import { serviceSettings } from '@micromart/testing/service-settings';
import { until } from '@micromart/testing/until';
import { parseAllowedHosts } from '../feed-hosts.ts';
import { IMPORT_LIMITS, type ImportLimits } from '../imports/limits.ts';
import { isFinal, type Job, type JobRequest } from '../job.ts';
import type { JobRequests } from '../jobs/job-requests.ts';
import { openJobRequests } from '../jobs/postgres-job-requests.ts';
import { openCatalogReader } from '../store/open-store.ts';
import type { CatalogReader } from '../store/store.ts';
import { startCatalogWorker } from '../worker.ts';

export type TestCatalog = {
  readonly store: TestDatabase;
  readonly queue: TestDatabase;
  readonly issuer: TestIssuer;
  readonly jobRequests: JobRequests;
  readonly reader: CatalogReader;
  /** The settings of its processes, as in a worker's environment. */
  environment(settings?: { allowed?: readonly string[] }): Record<string, string>;
  startWorker(settings?: {
    allowed?: readonly string[];
    limits?: Partial<ImportLimits>;
    publish?: string;
  }): Promise<Running>;
  accept(request: JobRequest): Promise<Job>;
  find(id: string): Promise<Job>;
  /** Awaits the end of a job. */
  ended(id: string, options?: { capMs: number }): Promise<Job>;
  close(): Promise<void>;
};

export const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** The caller closes the workers before this. */
export async function openTestCatalog(): Promise<TestCatalog> {
  const [store, queue, issuer] = await Promise.all([
    openTestDatabase(),
    openTestDatabase(),
    openTestIssuer(),
  ]);
  const reader = await openCatalogReader(store.url, () => {});
  const jobRequests = openJobRequests(queue.url, () => {});
  const find = async (id: string): Promise<Job> => {
    const job = await jobRequests.find(id);
    if (job === undefined || job === 'gone') throw new Error(`job ${id} is ${job ?? 'unknown'}`);
    return job;
  };
  return {
    store,
    queue,
    issuer,
    jobRequests,
    reader,
    environment: ({ allowed = [] } = {}) => ({
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'info',
      AUTH_JWKS: issuer.jwks,
      AUTH_ISSUER: issuer.issuer,
      AUTH_AUDIENCE: issuer.audience,
      STORE_URL: store.url,
      QUEUE_URL: queue.url,
      IMPORT_ALLOWED_HOSTS: allowed.join(','),
    }),
    startWorker: ({ allowed = [], limits = {}, publish } = {}) =>
      startCatalogWorker(
        {
          ...serviceSettings(issuer),
          METRICS_OPEN: true,
          STORE_URL: store.url,
          QUEUE_URL: queue.url,
          IMPORT_ALLOWED_HOSTS: allowed.length > 0 ? parseAllowedHosts(allowed.join(','))! : new Set(),
          API_ROLE: undefined,
          KAFKA_PUBLISH_URL: publish,
        },
        createLogger({ name: 'catalog-worker', level: 'silent' }),
        { limits: { ...IMPORT_LIMITS, ...limits } },
      ),
    accept: (request) => jobRequests.accept({ request, subject: 'carla', traceparent: TRACEPARENT }),
    find,
    ended: (id, options) =>
      until(async () => {
        const job = await find(id);
        return isFinal(job.state) && job;
      }, options),
    async close() {
      await Promise.all([jobRequests.close(), reader.close()]);
      await Promise.all([store.close(), queue.close(), issuer.close()]);
    },
  };
}
