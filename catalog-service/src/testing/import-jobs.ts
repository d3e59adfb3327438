/** For tests of imports without a queue: the jobs' database, and an upstream whose feed the test gives. */
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import { parseAllowedHosts } from '../feed-hosts.ts';
import type { ImportWork } from '../imports/import-feed.ts';
import { IMPORT_LIMITS, type ImportLimits } from '../imports/limits.ts';
import type { JobRepository } from '../jobs/job-repository.ts';
import { openJobRepository } from '../jobs/postgres-job-repository.ts';
import type { CatalogWriter } from '../store/store.ts';
import { openTestUpstream, type TestUpstream } from './upstream.ts';

export type TestImportJobs = {
  readonly database: TestDatabase;
  readonly jobRepository: JobRepository;
  readonly upstream: TestUpstream;
  /** Accepts an import of the upstream's feed; gives the job's id. */
  accept(): Promise<string>;
  /** What an import into a store works with. */
  workOn(store: CatalogWriter, limits?: Partial<ImportLimits>): ImportWork;
  close(): Promise<void>;
};

export async function openTestImportJobs(): Promise<TestImportJobs> {
  const database = await openTestDatabase();
  const jobRepository = await openJobRepository(database.url, { send: async () => {}, onError: () => {} });
  const upstream = await openTestUpstream('');
  return {
    database,
    jobRepository,
    upstream,
    async accept() {
      const { rows } = await database.admin.query<{ id: string }>(
        `INSERT INTO jobs (id, request, subject, delivery)
         SELECT id, $1, 'carla', id FROM gen_random_uuid() AS id RETURNING id`,
        [{ kind: 'import', url: upstream.url }],
      );
      return rows[0]!.id;
    },
    workOn: (store, limits) => ({
      store,
      jobRepository,
      requestOptions: {
        allowed: parseAllowedHosts(upstream.host)!,
        limits: { ...IMPORT_LIMITS, ...limits },
      },
      pace: (work) => work(),
      now: () => new Date(),
      onChunk: () => {},
    }),
    async close() {
      await jobRepository.close();
      await Promise.all([database.close(), upstream.close()]);
    },
  };
}
