import type { EventLog } from '@micromart/event-log/event-log';
import { Problem } from '@micromart/http/problem';
import { createReadByIds } from './read-by-ids.ts';
import type { CatalogReader, ProductVersion, StoredProduct } from './store.ts';

/** What an engine knows of reading; by ids it may be asked for one twice, and gives each once, in any order. */
export type Engine = Pick<CatalogReader, 'browse' | 'check' | 'close'> & {
  /** `ready` rejects with a Problem for as long as there is no schema. */
  readonly log: EventLog & { ready(): Promise<void> };
  readVersions(ids: readonly string[]): Promise<ProductVersion[]>;
  readProducts(ids: readonly string[]): Promise<StoredProduct[]>;
};

/** A reader by way of an engine: it waits for the schema, and what is asked at the same moment it asks in one go. */
export function createReader({
  log,
  readVersions,
  readProducts,
  browse,
  check,
  close,
}: Engine): CatalogReader {
  const onceReady =
    <Question, Answer>(ask: (question: Question) => Promise<Answer>) =>
    async (question: Question): Promise<Answer> => {
      await log.ready();
      return ask(question);
    };

  return {
    log,
    versions: onceReady(createReadByIds(readVersions)),
    products: onceReady(createReadByIds(readProducts)),
    browse: onceReady(browse),
    async check() {
      try {
        await log.ready();
      } catch (error) {
        if (error instanceof Problem) return { ok: false, detail: error.message };
      }
      return check();
    },
    close,
  };
}
