import type { TestEngine } from './describe-on.ts';

/** A server on which the MongoDB suites run. */
export type TestMongodbEngine = TestEngine & {
  /** Whether tests may have several writers on it (Engine). */
  readonly atomicUpdates: boolean;
  start(): Promise<TestMongodb>;
};

export type TestMongodb = {
  /** The URL of a fresh, empty database. */
  freshUrl(): string;
  /** Kills the server (in a replica set the primary) and starts it again; undefined if the run did not start it. */
  readonly killServer?: () => Promise<void>;
  close(): Promise<void>;
};
