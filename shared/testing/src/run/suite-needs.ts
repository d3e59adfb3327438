/** What a suite runs on, read from its path and text: how much of the machine, and which engines. */
export type SuiteNeeds = {
  /** It puts a whole system under load and judges what becomes of it, so two of these must not share two cores. */
  readonly inTurn: boolean;
  /** It starts whole systems, or waits for processes for long. */
  readonly slow: boolean;
  readonly kafka: boolean;
  readonly mongodb: boolean;
  readonly chromium: boolean;
};

/** By paths from the root. */
const LOADS_A_SYSTEM = /^e2e\/faults\/scenarios\//;
const IS_SLOW: readonly RegExp[] = [
  /^e2e\/(?:kafka|mongodb|catalog-copies|your-own-read-model|generated-client|lift\/lift)\./,
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
    inTurn: LOADS_A_SYSTEM.test(path),
    slow: IS_SLOW.some((pattern) => pattern.test(path)),
    kafka: NEEDS_KAFKA.test(source) || STARTS_KAFKA.test(path),
    mongodb: NEEDS_MONGODB.test(source) || STARTS_MONGODB.test(path),
    chromium: NEEDS_CHROMIUM.test(source),
  };
}

/** Whether `npm test -- --quick` runs it. */
export const isQuick = ({ inTurn, slow, kafka, mongodb, chromium }: SuiteNeeds): boolean =>
  !inTurn && !slow && !kafka && !mongodb && !chromium;
