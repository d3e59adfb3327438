/** `npm run kafka`: an Apache Kafka on this machine, until Ctrl-C. */
import { fileURLToPath } from 'node:url';
import { KAFKA_VERSION } from '@micromart/engines/kafka/programs';
import { readSettings } from './arguments.ts';
import { openDataFolder } from './data-folder.ts';
import { KAFKA_HELP, parseKafkaArguments } from './kafka-arguments.ts';
import { startLocalKafka } from './local-kafka.ts';
import { kafkaPorts } from './system.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const print = (text: string) => process.stdout.write(`${text}\n`);
const fail = (error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
};

async function runUntilTold(brokers: 1 | 3): Promise<void> {
  const { dataDir, portBase } = readSettings(process.env, ROOT);
  await openDataFolder(dataDir);
  const starting = startLocalKafka({ dataDir, ports: kafkaPorts(portBase, brokers), print });
  let told = false;
  const end = async () => {
    if (told) return;
    told = true;
    await (await starting).close();
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => void end().catch(fail));
  }
  // The terminal, or the program that reads the output, is gone.
  process.stdout.on('error', () => void end().catch(fail));

  const addresses = (await starting).brokers.join(',');
  print(`Apache Kafka ${KAFKA_VERSION} runs at ${addresses}; Ctrl-C ends it. To run the system over it:

  KAFKA_BROKERS=${addresses} npm start -- --events kafka
`);
}

try {
  const request = parseKafkaArguments(process.argv.slice(2));
  if (request === 'help') print(KAFKA_HELP);
  else await runUntilTold(request.brokers);
} catch (error) {
  fail(error as Error);
}
