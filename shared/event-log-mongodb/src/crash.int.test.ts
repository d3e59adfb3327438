import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Counter, countBy, readWholeLog } from '@micromart/event-log/change-store.contract';
import { PARTITIONS, partitionOf } from '@micromart/events/partition';
import { isUnavailable } from '@micromart/mongodb/failure';
import { openMongodb } from '@micromart/mongodb/open';
import { describeOn } from '@micromart/testing/describe-on';
import { MONGODB_START_CAP_MS, testFerretdb, testReplicaSet } from '@micromart/testing/mongodb';
import type { TestMongodb } from '@micromart/testing/mongodb-engine';
import { type Collection, type Db, MongoNetworkError } from 'mongodb';
import { type MongodbChangeStore, openMongodbChangeStore } from './changes.ts';
import { type MongodbEventLog, openMongodbLog } from './log.ts';

/** The writes of a batch of changes, in order: what is written, by which operation, and its number among those. */
const STEPS = [
  { what: 'the documents', operation: 'bulkWrite', nth: 1 },
  { what: 'the first events', operation: 'insertMany', nth: 1 },
  { what: 'the last events', operation: 'insertMany', nth: 3 },
  { what: 'the heads', operation: 'updateOne', nth: 1 },
  { what: 'documents that are free of events', operation: 'bulkWrite', nth: 2 },
] as const;

const FAULTS = STEPS.flatMap((step) => (['before', 'after'] as const).map((when) => ({ ...step, when })));

type Fault = (typeof FAULTS)[number] & {
  /** Whether the connection fails for good, or only this write's reply is lost. */
  readonly lasting: boolean;
};

type Opened = { log: MongodbEventLog; store: MongodbChangeStore<Counter>; errors: unknown[] };

for (const engine of [testFerretdb, testReplicaSet]) {
  describeOn(engine, 'a change', () => {
    let server: TestMongodb;
    let url: string;
    let clean: Opened;
    let toClose: (() => Promise<unknown>)[];

    beforeAll(async () => {
      server = await engine.start();
    }, MONGODB_START_CAP_MS);

    beforeEach(async () => {
      toClose = [];
      url = server.freshUrl();
      clean = await open();
    });

    afterEach(async () => {
      for (const close of toClose.reverse()) await close();
    });

    afterAll(() => server?.close());

    async function open(wrap: (db: Db) => Db = (db) => db): Promise<Opened> {
      const connection = openMongodb(url, { max: 10, name: 'test' });
      toClose.push(connection.close);
      const mongodb = { ...connection, db: wrap(connection.db) };
      const log = await openMongodbLog(mongodb, { family: 'test', source: '/test' });
      const errors: unknown[] = [];
      const onError = (error: unknown) => errors.push(error);
      const options = { collection: 'counters', log, keysOf: () => ({}), onError };
      return { log, store: await openMongodbChangeStore<Counter>(mongodb, options), errors };
    }

    /** Ids of three documents whose events belong to three partitions; the first is there already. */
    async function makeDocuments(): Promise<string[]> {
      const byPartition = Map.groupBy(
        Array.from({ length: 50 }, () => randomUUID()),
        (id) => partitionOf(id, PARTITIONS),
      );
      const ids = [...byPartition.values()].slice(0, 3).map(([id]) => id!);
      await clean.store.change(ids[0]!, countBy(1, ids[0]!));
      return ids;
    }

    /** Each document agrees with its events, and none has events left that are not in the log. */
    async function expectWhole(ids: readonly string[]): Promise<Map<string, number>> {
      expect(await clean.store.sweep()).toBe(0);
      const events = Map.groupBy(await readWholeLog(clean.log), ({ subject }) => subject);
      const counts = new Map<string, number>();
      for (const id of ids) {
        const document = await clean.store.read(id);
        const its = events.get(id) ?? [];
        counts.set(id, document?.state.count ?? 0);
        expect(document?.version ?? 0).toBe(its.length);
        expect(document?.sequence ?? 0).toBe(Number(its.at(-1)?.sequence ?? 0));
        expect(its.map(({ data }) => (data as { version: number }).version)).toEqual(
          its.map((_, n) => n + 1),
        );
      }
      return counts;
    }

    describe.each(FAULTS)('whose writer dies $when writing $what', (fault) => {
      const crash = async () => {
        const ids = await makeDocuments();
        const dying = await open(failing({ ...fault, lasting: true }));
        const outcomes = await Promise.allSettled(ids.map((id) => dying.store.change(id, countBy(1, id))));
        // Events beyond the heads are not read.
        await readWholeLog(clean.log);
        return { ids, answered: outcomes.map(({ status }) => status === 'fulfilled') };
      };
      const isMade = fault.what !== 'the documents' || fault.when === 'after';

      test('is completed by a sweep, or never happened', async () => {
        const { ids, answered } = await crash();
        await clean.store.sweep();
        const counts = await expectWhole(ids);
        expect([...counts.values()]).toEqual(isMade ? [2, 1, 1] : [1, 0, 0]);
        expect(answered).toEqual(ids.map(() => fault.what === 'documents that are free of events'));
      });

      test('is completed by the next change of the document', async () => {
        const { ids } = await crash();
        const again = await Promise.all(ids.map((id) => clean.store.change(id, countBy(1, id))));
        const counts = await expectWhole(ids);
        expect([...counts.values()]).toEqual(isMade ? [3, 2, 2] : [2, 1, 1]);
        expect(again.map(({ answer }) => answer.count)).toEqual([...counts.values()]);
      });
    });

    test.each(FAULTS)(
      'is made once and answered when the connection fails $when writing $what',
      async (fault) => {
        const ids = await makeDocuments();
        const { store, errors } = await open(failing({ ...fault, lasting: false }));
        const changes = await Promise.all(ids.map((id) => store.change(id, countBy(1, id))));
        expect(changes.map(({ answer }) => answer.count)).toEqual([2, 1, 1]);
        // The last write is left to a sweep.
        const isLeft = fault.what === 'documents that are free of events';
        expect(errors).toHaveLength(isLeft ? 1 : 0);
        expect(await store.sweep()).toBe(isLeft && fault.when === 'before' ? 3 : 0);
        expect([...(await expectWhole(ids)).values()]).toEqual([2, 1, 1]);
      },
    );

    const testSeveral = engine.atomicUpdates ? test.each(FAULTS) : test.skip.each(FAULTS);
    testSeveral(
      'is made once, among concurrent changes of others, when the connection fails $when writing $what',
      async (fault) => {
        const ids = await makeDocuments();
        const failed = await open(failing({ ...fault, lasting: false }));
        const others = [clean, await open(), await open()];
        const rounds = 5;
        const countAll = ({ store }: Opened) =>
          Array.from({ length: rounds }, () => ids.map((id) => store.change(id, countBy(1, id)))).flat();
        await Promise.all([...countAll(failed), ...others.flatMap(countAll), clean.store.sweep()]);
        await clean.store.sweep();
        const each = rounds * (others.length + 1);
        expect([...(await expectWhole(ids)).values()]).toEqual([each + 1, each, each]);
      },
    );

    test('fails as unavailable when the database is unavailable', async () => {
      const ids = await makeDocuments();
      const dead = await open(failing({ ...FAULTS[0]!, lasting: true }));
      const outcome = await dead.store.change(ids[0]!, countBy(1, ids[0]!)).catch((error) => error);
      expect(isUnavailable(outcome)).toBe(true);
    });

    test('with an idempotency key is refused', async () => {
      const key = { scope: 'alice', key: 'k', fingerprint: 'f' };
      const id = randomUUID();
      await expect(clean.store.change(id, countBy(1, id), { key })).rejects.toThrow('no idempotency keys');
      expect(await clean.store.replay(key)).toBeUndefined();
    });
  });
}

type Intercept = (write: () => Promise<unknown>, operation: unknown) => Promise<unknown>;

const WRITES: ReadonlySet<unknown> = new Set(['bulkWrite', 'insertMany', 'updateOne']);

/** A database whose writes pass through `onWrite`; its other operations through `onOther`. */
const intercepting =
  (onWrite: Intercept, onOther: () => void = () => {}) =>
  (db: Db): Db =>
    overriding(db, (name, value) => {
      if (name === 'command') onOther();
      if (name !== 'collection') return value;
      return (collection: string) =>
        overriding(value.call(db, collection) as Collection, (operation, method) => {
          if (WRITES.has(operation)) {
            return (...args: unknown[]) => onWrite(() => method(...args) as Promise<unknown>, operation);
          }
          onOther();
          return method;
        });
    });

function overriding<T extends object>(
  target: T,
  get: (name: PropertyKey, value: (...args: unknown[]) => unknown) => unknown,
): T {
  return new Proxy(target, {
    get(_, name) {
      const value = Reflect.get(target, name);
      return typeof value === 'function' ? get(name, value.bind(target)) : value;
    },
  });
}

function failing({ operation, nth, when, lasting }: Fault): (db: Db) => Db {
  let count = 0;
  let dead = false;
  const fail = () => {
    throw new MongoNetworkError('the connection is gone');
  };
  return intercepting(
    async (write, its) => {
      if (dead) fail();
      if (its !== operation) return write();
      count += 1;
      if (count !== nth) return write();
      dead = lasting;
      if (when === 'after') await write();
      return fail();
    },
    () => {
      if (dead) fail();
    },
  );
}
