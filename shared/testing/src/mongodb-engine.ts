import type { TestEngine } from './describe-on.ts';

/** An engine that the MongoDB suites run on. */
export type TestMongodbEngine = TestEngine & {
  /** Whether several writers may be tested on it (Engine). */
  readonly atomicUpdates: boolean;
  start(): Promise<TestMongodb>;
};

export type TestMongodb = {
  /** The URL of a fresh, empty database. */
  freshUrl(): string;
  /** Kills the server, of a set its primary, and starts it again; undefined where it is not ours. */
  readonly killServer?: () => Promise<void>;
  close(): Promise<void>;
};
