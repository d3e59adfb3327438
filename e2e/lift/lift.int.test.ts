import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { describeKafka } from '@micromart/testing/describe-kafka';
import { describeOn } from '@micromart/testing/describe-on';
import { openTestKafka } from '@micromart/testing/kafka';
import { MONGODB_START_CAP_MS, testFerretdb } from '@micromart/testing/mongodb';
import { openTestDatabase } from '@micromart/testing/postgres';
import { PACKAGES } from '../architecture/walls.ts';
import { exampleOf, lift, readReadme } from './lift.ts';

/**
 * Each package of `shared/`, copied out with what it declares and nothing else, runs the example of its README, which
 * prints what the page says. What an example needs besides, it reads from the environment: DATABASE_URL, MONGODB_URL,
 * KAFKA_BROKERS.
 */
const examples = await Promise.all(
  PACKAGES.map(async (name) => ({ name, example: exampleOf(await readReadme(name)) })),
);

const needs = (setting: string) =>
  examples
    .filter(({ example }) => example?.program.includes(`process.env.${setting}`))
    .map(({ name }) => name);
const onPostgres = needs('DATABASE_URL');
const onMongodb = needs('MONGODB_URL');
const onKafka = needs('KAFKA_BROKERS');

async function runExample(name: string, environment: Readonly<Record<string, string>>): Promise<void> {
  const { example } = examples.find((one) => one.name === name)!;
  const lifted = await lift(name);
  try {
    const { code, stdout, stderr } = await lifted.run(example!.program, environment);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(example!.prints ?? '');
  } finally {
    await lifted.remove();
  }
}

async function runOnPostgres(name: string, environment: Readonly<Record<string, string>> = {}) {
  const database = await openTestDatabase();
  try {
    await runExample(name, { ...environment, DATABASE_URL: database.url });
  } finally {
    await database.close();
  }
}

test.each(examples)('the README of $name has an example, and says what it prints', ({ example }) => {
  expect(example).toEqual({ program: expect.stringContaining('console.log'), prints: expect.any(String) });
});

test('the page of all packages links to the README of each', async () => {
  const page = await readFile(new URL('../../shared/README.md', import.meta.url), 'utf8');
  const linked = [...page.matchAll(/^\| \[([a-z-]+)\]\(\1\/README\.md\) \|/gm)].map(([, name]) => name);
  expect(linked).toEqual([...PACKAGES]);
});

describe('a package that is lifted out runs its example', () => {
  const alone = examples
    .filter(({ name, example }) => example && ![...onMongodb, ...onKafka].includes(name))
    .map(({ name }) => name);
  test.each(alone)('%s', (name) => (onPostgres.includes(name) ? runOnPostgres(name) : runExample(name, {})));
});

describeOn(testFerretdb, 'a package that is lifted out runs its example', () => {
  let server: Awaited<ReturnType<typeof testFerretdb.start>>;
  beforeAll(async () => {
    server = await testFerretdb.start();
  }, MONGODB_START_CAP_MS);
  afterAll(() => server.close());

  test.each(onMongodb)('%s', (name) => runExample(name, { MONGODB_URL: server.freshUrl() }));
});

describeKafka('a package that is lifted out runs its example on Kafka', () => {
  let kafka: Awaited<ReturnType<typeof openTestKafka>>;
  beforeAll(async () => {
    kafka = await openTestKafka();
  }, MONGODB_START_CAP_MS);
  afterAll(() => kafka.close());

  test.each(onKafka)('%s', (name) => runOnPostgres(name, { KAFKA_BROKERS: kafka.brokers.join(',') }));
});

test('a package that imports what it does not declare fails', async () => {
  const lifted = await lift('text');
  try {
    const { code, stderr } = await lifted.run("import '@micromart/http/problem';", {});
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining("Cannot find package '@micromart/http'"),
    });
  } finally {
    await lifted.remove();
  }
});
