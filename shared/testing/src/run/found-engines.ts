import { whyNoFerretdb } from '@micromart/engines/ferretdb/build';
import { whyNoKafka } from '../kafka.ts';
import type { SuiteNeeds } from './suite-needs.ts';

/** One line that says which of the engines that the suites need are here. What is missing the end of the run explains. */
export async function describeEngines(suites: readonly SuiteNeeds[]): Promise<string> {
  const parts = [
    process.env.TEST_POSTGRES_URL ? 'PostgreSQL from TEST_POSTGRES_URL' : 'PostgreSQL, started for this run',
  ];
  if (suites.some(({ kafka }) => kafka)) parts.push(found('Kafka', await whyNoKafka()));
  if (suites.some(({ mongodb }) => mongodb)) {
    parts.push(found('FerretDB', await whyNoFerretdb()));
    if (process.env.TEST_MONGODB_URL) parts.push('MongoDB from TEST_MONGODB_URL');
    else {
      // It loads the driver, which runs without MongoDB do not wait for.
      const { whyNoReplicaSet } = await import('../mongodb-replica-set.ts');
      parts.push(found('a MongoDB replica set', await whyNoReplicaSet()));
    }
  }
  return `Engines: ${parts.join('; ')}`;
}

const found = (engine: string, whyNot: string | undefined): string =>
  whyNot === undefined ? engine : `${engine} is missing`;
