/** What a suite runs on, read from its path and text: how much of the machine, and which engines. */
export type SuiteNeeds = {
  /** It starts whole systems or several processes, which keep a core busy. */
  readonly heavy: boolean;
  readonly kafka: boolean;
  readonly mongodb: boolean;
  readonly chromium: boolean;
};

/** By paths from the root. */
const STARTS_PROCESSES: readonly RegExp[] = [
  /^e2e\/(?:faults\/scenarios\/|(?:kafka|mongodb|catalog-copies|your-own-read-model|generated-client|lift\/lift)\.)/,
  /^launcher\/src\/(?:start|launch|local-kafka|old-postgres|setup)\./,
  /^catalog-service\/src\/worker-takeover\./,
];
const STARTS_KAFKA = /^e2e\/faults\/scenarios\/(?:brokers|.*-over-kafka)\./;
const STARTS_MONGODB = /^e2e\/mongodb\.|^engines\/src\/ferretdb\//;

/** Imports begin or end a line of their own; what a suite quotes does not. */
const imports = (name: string): RegExp => new RegExp(`^(?:import|}) .*from '${name}'`, 'm');
const NEEDS_KAFKA = imports('@micromart/testing/(?:describe-kafka|kafka-container)');
const NEEDS_MONGODB = imports('@micromart/testing/mongodb');
const NEEDS_CHROMIUM = imports('(?:playwright-core|@sparticuz/chromium)');

/** @param path from the root of the repository, with slashes */
export function needsOf(path: string, source: string): SuiteNeeds {
  return {
    heavy: STARTS_PROCESSES.some((pattern) => pattern.test(path)),
    kafka: NEEDS_KAFKA.test(source) || STARTS_KAFKA.test(path),
    mongodb: NEEDS_MONGODB.test(source) || STARTS_MONGODB.test(path),
    chromium: NEEDS_CHROMIUM.test(source),
  };
}

/** Whether `npm test -- --quick` runs it. */
export const isQuick = ({ heavy, kafka, mongodb, chromium }: SuiteNeeds): boolean =>
  !heavy && !kafka && !mongodb && !chromium;
