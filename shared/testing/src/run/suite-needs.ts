/** What a suite runs on, read from its path and text: whether it takes turns with other heavy ones, and its engines. */
export type SuiteNeeds = {
  /** It starts brokers or whole systems, which on two cores must not run beside each other. */
  readonly inTurn: boolean;
  readonly kafka: boolean;
  readonly mongodb: boolean;
  readonly chromium: boolean;
};

/** Suites whose processes are started by something else than a test engine; by paths from the root. */
const STARTS_PROCESSES: readonly RegExp[] = [
  /^e2e\/(?:faults\/faults|kafka|mongodb|catalog-copies|lift\/lift)\./,
  /^launcher\/src\/(?:start|launch|local-kafka|old-postgres|setup)\./,
  /^catalog-service\/src\/worker-takeover\./,
];
const STARTS_MONGODB = /^e2e\/mongodb\.|^engines\/src\/ferretdb\//;

/** Imports begin or end a line of their own; what a suite quotes does not. */
const imports = (name: string): RegExp => new RegExp(`^(?:import|}) .*from '${name}'`, 'm');
const STARTS_A_BROKER = imports('@micromart/testing/kafka(?:-container)?');
const NEEDS_KAFKA = imports('@micromart/testing/(?:describe-kafka|kafka-container)');
const NEEDS_MONGODB = imports('@micromart/testing/mongodb');
const NEEDS_CHROMIUM = imports('(?:playwright-core|@sparticuz/chromium)');

/** @param path from the root of the repository, with slashes */
export function needsOf(path: string, source: string): SuiteNeeds {
  const startsBroker = STARTS_A_BROKER.test(source);
  return {
    inTurn: startsBroker || STARTS_PROCESSES.some((pattern) => pattern.test(path)),
    kafka: NEEDS_KAFKA.test(source),
    mongodb: NEEDS_MONGODB.test(source) || STARTS_MONGODB.test(path),
    chromium: NEEDS_CHROMIUM.test(source),
  };
}

/** Whether `npm test -- --quick` runs it. */
export const isQuick = ({ inTurn, kafka, mongodb, chromium }: SuiteNeeds): boolean =>
  !inTurn && !kafka && !mongodb && !chromium;
