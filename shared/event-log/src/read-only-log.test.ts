import { expect, test } from '@jest/globals';
import { createReadOnlyLog, type LogIdentity } from './read-only-log.ts';

/** A log whose identity is read from `stored`, with a count of how often that was done. */
function openLog() {
  const stored: { identity: LogIdentity | undefined; reads: number } = { identity: undefined, reads: 0 };
  const log = createReadOnlyLog({
    readIdentity: async () => {
      stored.reads += 1;
      return stored.identity;
    },
    createReads: (identity) => ({
      heads: async () => ({ log: (await identity()).name, at: new Date(0), last: new Map() }),
      page: async () => [],
      eventsAfter: async () => [],
    }),
    notYet: 'The worker has made no schema yet.',
  });
  return { log, stored };
}

test('says that it is unavailable, and what is missing, while there is no log', async () => {
  const { log } = openLog();
  const missing = { code: 'unavailable', message: 'The worker has made no schema yet.' };
  await expect(log.ready()).rejects.toMatchObject(missing);
  await expect(log.heads()).rejects.toMatchObject(missing);
  expect(() => log.name).toThrow('no schema yet');
  expect(() => log.partitions).toThrow('no schema yet');
});

test('finds a log that came later, and reads its identity once', async () => {
  const { log, stored } = openLog();
  await log.ready().catch(() => {});
  stored.identity = { name: 'catalog-3f2a9c1e', partitions: 4 };
  expect((await log.heads()).log).toBe('catalog-3f2a9c1e');
  await log.ready();
  expect([log.name, log.partitions, stored.reads]).toEqual(['catalog-3f2a9c1e', 4, 2]);
});
