import { Unusable } from '@micromart/process/unusable';
import { type Db, MongoClient, MongoCompatibilityError } from 'mongodb';

/**
 * A connection to one database of a MongoDB replica set. What was acknowledged stays: a write is acknowledged once a majority of
 * the members has it (the driver sends it again, once, when the primary changes), and reads come from the primary and show what
 * a majority has, so they are never rolled back.
 */
export type Mongodb = {
  readonly db: Db;
  /**
   * What the server can do; read once. Await it before anything else: the driver itself tries to connect only once, while
   * this tries again at each call until it succeeds. Throws Unusable when the server is too old, or the driver's error.
   */
  engine(): Promise<Engine>;
  close(): Promise<void>;
};

export type Engine = {
  /** Whether an update by a filter is atomic, so that a version in the filter is a fence. */
  readonly atomicUpdates: boolean;
  /**
   * Whether one query for many documents uses an index. If not, the server would read the whole collection; each document is
   * then queried by its `_id` alone.
   */
  readonly findsMany: boolean;
  /** The most updates that one command may hold. */
  readonly maxUpdates: number;
  /** Whether it is a replica set, which can serve linearizable reads. */
  readonly replicated: boolean;
};

const SERVER_SELECTION_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** A server that vanished without a reset would keep its clients waiting for ever. */
const SOCKET_TIMEOUT_MS = 65_000;
const MAJORITY_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 30_000;

const URL_FORM = /^mongodb(?:\+srv)?:\/\/[^/]+\/[^/?]+(?:\?|$)/;

/**
 * Opens a pool of at most `max` connections. They open when they are first needed, so the server need not run yet. Throws when
 * the URL is malformed. It names the database, as in `mongodb://user:password@a:27017,b:27017/catalog?replicaSet=shop`.
 */
export function openMongodb(url: string, { max, name }: { max: number; name: string }): Mongodb {
  const client = createClient(url, { max, name });
  const db = client.db();
  let known: Promise<Engine> | undefined;
  return {
    db,
    engine: () => {
      known ??= readEngine(client, db).catch((error) => {
        known = undefined;
        throw error;
      });
      return known;
    },
    close: () => client.close(),
  };
}

function createClient(url: string, { max, name }: { max: number; name: string }): MongoClient {
  if (!URL_FORM.test(url)) {
    throw new Error('A MongoDB URL must name its database, as in mongodb://host:27017/catalog');
  }
  try {
    return new MongoClient(url, {
      appName: name,
      maxPoolSize: max,
      serverSelectionTimeoutMS: SERVER_SELECTION_TIMEOUT_MS,
      connectTimeoutMS: CONNECT_TIMEOUT_MS,
      socketTimeoutMS: SOCKET_TIMEOUT_MS,
      maxIdleTimeMS: IDLE_TIMEOUT_MS,
      writeConcern: { w: 'majority', wtimeoutMS: MAJORITY_TIMEOUT_MS },
      readConcern: { level: 'majority' },
      readPreference: 'primary',
      retryWrites: true,
      ignoreUndefined: true,
    });
  } catch {
    // Not the driver's message: it may repeat the URL, and so the password.
    throw new Error(
      'The MongoDB URL is not valid; it must be like mongodb://user:password@host:27017/catalog',
    );
  }
}

async function readEngine(client: MongoClient, db: Db): Promise<Engine> {
  await client.connect().catch((error) => {
    throw tooOld(error) ?? error;
  });
  const [hello, build] = await Promise.all([db.command({ hello: 1 }), db.command({ buildInfo: 1 })]);
  const replicated = hello.setName !== undefined;
  // FerretDB 1 reads, changes and writes a document in three steps. It uses an index only for a query by one `_id`. Each
  // update of a command holds one of its hundred connections to its files until all updates are done.
  return 'ferretdbVersion' in build
    ? { atomicUpdates: false, findsMany: false, maxUpdates: 32, replicated }
    : { atomicUpdates: true, findsMany: true, maxUpdates: 1_000, replicated };
}

/** An Unusable with the driver's message about both versions, when a server is too old; undefined otherwise. */
export function tooOld(error: unknown): Unusable | undefined {
  const causes = [error, ...serversOf(error)];
  const cause = causes.find((one) => one instanceof MongoCompatibilityError);
  return cause && new Unusable(`MongoDB is too old: ${cause.message}`);
}

/** The error of each server, when none could be selected. */
function serversOf(error: unknown): unknown[] {
  const { reason } = (error ?? {}) as {
    reason?: { servers?: Map<string, { error: unknown }>; compatibilityError?: string };
  };
  const found = [...(reason?.servers?.values() ?? [])].map((server) => server.error);
  return reason?.compatibilityError
    ? [new MongoCompatibilityError(reason.compatibilityError), ...found]
    : found;
}

/** Whether the database answers: a readiness check. */
export async function checkAnswers({ db, engine }: Mongodb): Promise<{ ok: boolean; detail?: string }> {
  try {
    await engine();
    await db.command({ ping: 1 });
    return { ok: true };
  } catch {
    return { ok: false, detail: 'the database does not answer' };
  }
}
