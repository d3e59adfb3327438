import { expect, test } from '@jest/globals';
import { isQuick, needsOf } from './suite-needs.ts';

const nothing = { inTurn: false, slow: false, kafka: false, mongodb: false, chromium: false };

test.each([
  ['a pure suite', 'cart-service/src/cart.test.ts', `import { expect } from '@jest/globals'`, {}],
  ['one with a database', 'a.int.test.ts', 'await openTestDatabase()', {}],
  [
    'one with a broker',
    'a.int.test.ts',
    "import { describeKafka } from '@micromart/testing/describe-kafka';\nimport { openTestKafka } from '@micromart/testing/kafka';",
    { kafka: true },
  ],
  [
    'one with a launched system over Kafka',
    'e2e/kafka.e2e.test.ts',
    "import { describeKafka } from '@micromart/testing/describe-kafka';",
    { slow: true, kafka: true },
  ],
  ['the fault harness', 'e2e/faults/scenarios/kills.e2e.test.ts', "testScenario('kills')", { inTurn: true }],
  [
    'the fault harness over Kafka',
    'e2e/faults/scenarios/brokers.e2e.test.ts',
    "testScenario('brokers')",
    { inTurn: true, kafka: true },
  ],
  ['a pure part of the fault harness', 'e2e/faults/judges.test.ts', 'judge()', {}],
  ['a start of the launcher', 'launcher/src/start.int.test.ts', 'spawn()', { slow: true }],
  ['a pure part of the launcher', 'launcher/src/host.test.ts', 'host()', {}],
  [
    'one with MongoDB',
    'a.int.test.ts',
    "import {\n  testFerretdb,\n} from '@micromart/testing/mongodb';",
    { mongodb: true },
  ],
  [
    'a launched system on MongoDB',
    'e2e/mongodb.e2e.test.ts',
    'openLaunched()',
    { slow: true, mongodb: true },
  ],
  ['one that only quotes an engine', 'a.test.ts', "  ['}', `import a from '@micromart/testing/kafka'`]", {}],
  ['one with a browser', 'a.test.ts', `import { chromium } from 'playwright-core'`, { chromium: true }],
])('says what %s needs', (_, path, source, needs) => {
  expect(needsOf(path, source)).toEqual({ ...nothing, ...needs });
});

test('calls quick what is quick and needs no engine besides PostgreSQL', () => {
  expect(isQuick(nothing)).toBe(true);
  for (const need of Object.keys(nothing)) expect(isQuick({ ...nothing, [need]: true })).toBe(false);
});
