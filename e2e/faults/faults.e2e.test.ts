/**
 * Small doses of all faults, by a fixed seed, and the controls that must be caught: the same system with one of its
 * protections taken out. `npm run faults` gives the full doses.
 */
import { describe, expect, test } from '@jest/globals';
import { describeKafka } from '@micromart/testing/describe-kafka';
import { CONTROLS, type ControlName } from './controls.ts';
import { judge } from './judges.ts';
import { runScenario, SCENARIOS, type ScenarioName } from './scenarios.ts';

const SEED = 7;
/** A run takes seconds; it is there for a machine that is busy with other things. */
const TIMEOUT_MS = 300_000;

/** What happened, for whoever looks at a failure. */
const record = () => {
  const lines: string[] = [];
  return { lines, say: (line: string) => lines.push(line) };
};

type Row = { readonly name: ScenarioName; readonly says: string };
const ROWS = Object.entries(SCENARIOS).map(([name, { says }]): Row => ({ name: name as ScenarioName, says }));
const isOverKafka = ({ name }: Row): boolean => 'brokers' in SCENARIOS[name];

const runRow = async ({ name }: Row) => {
  const { lines, say } = record();
  const evidence = await runScenario(name, 'small', { seed: SEED, say });
  expect({ objections: judge(evidence).slice(0, 5), lines }).toEqual({ objections: [], lines });
};

describe('nothing is lost, doubled or lied about when', () => {
  test.each(ROWS.filter((row) => !isOverKafka(row)))('$says', runRow, TIMEOUT_MS);
});

describeKafka('nothing is lost, doubled or lied about over Kafka when', () => {
  test.each(ROWS.filter(isOverKafka))('$says', runRow, TIMEOUT_MS);
});

describe('it is found out when', () => {
  test.each(Object.entries(CONTROLS).map(([name, { says }]) => ({ name: name as ControlName, says })))(
    '$says',
    async ({ name }) => {
      const control = CONTROLS[name];
      const evidence = await control.run({ seed: SEED, say: record().say });
      const objections = judge(evidence).filter(({ judge }) => judge === control.caughtBy);
      expect(objections.map(({ what }) => what)).toContainEqual(expect.stringMatching(control.objecting));
    },
    TIMEOUT_MS,
  );
});
