import { isUnavailable as isMongodbAway } from '@micromart/mongodb/failure';
import { isUnavailable as isPostgresAway } from '@micromart/postgres/failure';
import { refuseOldServer } from '@micromart/postgres/server-version';
import type { CatalogReader, CatalogWriter, WriterSettings } from './store.ts';

/** Opens the store that a URL names, for reading. Loads only the driver that it needs. */
export async function openCatalogReader(
  url: string,
  onError: (error: unknown) => void,
): Promise<CatalogReader> {
  if (isPostgres(url)) {
    await refuseOldServer(url);
    return (await import('./postgres-reader.ts')).openPostgresReader(url, onError);
  }
  return (await import('./mongodb-reader.ts')).openMongodbReader(url);
}

/** Opens the store that a URL names, for writing, and brings its schema up to date. */
export async function openCatalogWriter(url: string, settings: WriterSettings): Promise<CatalogWriter> {
  if (isPostgres(url)) return (await import('./postgres-writer.ts')).openPostgresWriter(url, settings);
  return (await import('./mongodb-writer.ts')).openMongodbWriter(url, settings);
}

/** Checked as text: a MongoDB URL may name several hosts, which `URL` refuses. The settings allow no other scheme. */
const isPostgres = (url: string): boolean => /^postgres(ql)?:\/\//.test(url);

/** Whether a database of either engine was unavailable, full or busy, so that the same work may succeed later. */
export const isUnavailable = (error: unknown): boolean => isPostgresAway(error) || isMongodbAway(error);
