/**
 * The suite of a scenario: its small dose, by a fixed seed, and its controls, which must be caught: the same system with one
 * of its protections taken out. `npm run faults` gives the full doses. Each scenario has a file of its own in scenarios/, so
 * that they can run side by side.
 */
import { describe, expect, test } from '@jest/globals';
import { describeKafka } from '@micromart/testing/describe-kafka';
import { CONTROLS, type Control } from './controls.ts';
import { judge } from './judges.ts';
import { runScenario, SCENARIOS, type ScenarioName } from './scenarios.ts';

const SEED = 7;
/** A run takes seconds; it is there for a machine that is busy with other things. */
const TIMEOUT_MS = 300_000;

export function testScenario(name: ScenarioName): void {
  const scenario = SCENARIOS[name];
  const describeScenario = 'brokers' in scenario ? describeKafka : describe;

  describeScenario('nothing is lost, doubled or lied about when', () => {
    test(
      scenario.says,
      async () => {
        const { lines, say } = record();
        const evidence = await runScenario(name, 'small', { seed: SEED, say });
        expect({ objections: judge(evidence).slice(0, 5), lines }).toEqual({ objections: [], lines });
      },
      TIMEOUT_MS,
    );
  });

  const controls: readonly Control[] = Object.values(CONTROLS).filter((one) => one.scenario === name);
  if (controls.length === 0) return;
  describeScenario('it is found out when', () => {
    test.each(controls)(
      '$says',
      async ({ run, caughtBy, objecting }) => {
        const evidence = await run({ seed: SEED, say: record().say });
        const objections = judge(evidence).filter((objection) => objection.judge === caughtBy);
        expect(objections.map(({ what }) => what)).toContainEqual(expect.stringMatching(objecting));
      },
      TIMEOUT_MS,
    );
  });
}

/** What happened, for whoever looks at a failure. */
function record() {
  const lines: string[] = [];
  return { lines, say: (line: string) => lines.push(line) };
}
