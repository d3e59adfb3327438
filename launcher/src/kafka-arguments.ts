import { parseArgs } from 'node:util';

export const KAFKA_HELP = `npm run kafka [-- --brokers 1]

Starts a real Apache Kafka on this machine and stays until Ctrl-C. It needs Java 17 or newer, and the first time Maven,
which fetches Kafka (43 MB) into ~/.cache/micromart. The data is kept from one start to the next.

  --brokers n   one broker, or three that replicate to each other; 1 unless given
  --help        shows this

  PORT_BASE     the brokers listen on +92, +94 and +96, of 127.0.0.1; 4000 unless set
  DATA_DIR      where all data is kept, from the repository's root; .data unless set
`;

/** Throws for an unknown argument. */
export function parseKafkaArguments(words: readonly string[]): { brokers: 1 | 3 } | 'help' {
  const { help, brokers } = parse(words);
  if (help) return 'help';
  if (brokers === '1') return { brokers: 1 };
  if (brokers === '3') return { brokers: 3 };
  throw new Error('--brokers is 1 or 3; npm run kafka -- --help says more');
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        brokers: { type: 'string', default: '1' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new Error(`${(error as Error).message}; npm run kafka -- --help lists the options`);
  }
}
