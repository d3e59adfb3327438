/** What the services need and the environment does not name: their databases, and Kafka if they use it. */
import { join } from 'node:path';
import { prepareDatabases, roleUrl } from './databases.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { startLocalKafka } from './local-kafka.ts';
import { startLocalMongodb } from './local-mongodb.ts';
import type { Output } from './output.ts';
import { openPasswords } from './passwords.ts';
import type { Plan } from './plan.ts';

/** Ends something that was started; the last started ends first. */
export type Closer = () => Promise<void> | void;

/** The URL with which a role connects to an embedded database. */
export type StoreUrl = (database: string, role: string) => string;

type Embedding = {
  readonly plan: Plan;
  readonly settings: { readonly dataDir: string };
  readonly output: Output;
};

export const POSTGRES_FOLDER = 'postgres';
const POSTGRES = 'postgresql';
const MONGODB = 'mongodb';
const KAFKA = 'kafka';

/** The names in the output. */
export const EMBEDDED_NAMES = [POSTGRES, MONGODB, KAFKA];

/** Starts everything and resolves once it serves requests; adds what ends it to `closers`. */
export async function startEmbedded(embedding: Embedding, closers: Closer[]): Promise<StoreUrl> {
  const storeUrl = await startPostgres(embedding, closers);
  await startMongodb(embedding, closers);
  // Before the services: a follower that gets nothing from Kafka would read the feed.
  await startKafka(embedding, closers);
  return storeUrl;
}

async function startPostgres(
  { plan, settings: { dataDir }, output }: Embedding,
  closers: Closer[],
): Promise<StoreUrl> {
  if (!plan.postgres) return () => '';
  const passwordOf = await openPasswords(join(dataDir, 'database-secret'));
  const server = await startEmbeddedPostgres({
    folder: join(dataDir, POSTGRES_FOLDER),
    port: plan.postgres.port,
    superuserPassword: passwordOf('postgres'),
    print: (line) => output.line(POSTGRES, line),
  });
  closers.push(() => server.stop());
  await prepareDatabases(server.url, plan.postgres.databases, passwordOf);
  return (database, role) => roleUrl(server.url, database, role, passwordOf(role));
}

async function startMongodb(
  { plan, settings: { dataDir }, output }: Embedding,
  closers: Closer[],
): Promise<void> {
  if (!plan.mongodb) return;
  const print = (line: string) => output.line(MONGODB, line);
  const mongodb = await startLocalMongodb({ dataDir, port: plan.mongodb.port, print });
  closers.push(() => mongodb.stop());
  print(`ready at ${mongodb.url} (FerretDB, for trying it: it has no roles, and allows one worker)`);
}

async function startKafka(
  { plan, settings: { dataDir }, output }: Embedding,
  closers: Closer[],
): Promise<void> {
  if (!plan.kafka) return;
  const print = (line: string) => output.line(KAFKA, line);
  const kafka = await startLocalKafka({ dataDir, ports: plan.kafka.ports, print });
  closers.push(() => kafka.close());
  print(`ready at ${kafka.brokers.join(',')}`);
}
