import type { EventLog } from '@micromart/event-log/event-log';
import { Problem } from '@micromart/http/problem';
import { createReadByIds } from './read-by-ids.ts';
import type { CatalogReader, ProductVersion, StoredProduct } from './store.ts';

/** How an engine reads. It may get an id twice, and returns each product once, in any order. */
export type Engine = Pick<CatalogReader, 'browse' | 'check' | 'close'> & {
  /** `ready` rejects with a Problem while there is no schema. */
  readonly log: EventLog & { ready(): Promise<void> };
  readVersions(ids: readonly string[]): Promise<ProductVersion[]>;
  readProducts(ids: readonly string[]): Promise<StoredProduct[]>;
};

/** A reader on an engine: it waits for the schema, and combines concurrent reads. */
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
