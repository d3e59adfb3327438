/** `npm run faults`: the harness in full doses. Ends with 1 when a judge objects. */
import { randomInt } from 'node:crypto';
import { readArguments, USAGE } from './arguments.ts';
import { addFigures, type Figures, NO_FIGURES } from './figures.ts';
import { judge, type Objection } from './judges.ts';
import { figuresText, objectionsText } from './report.ts';
import { runScenario } from './scenarios.ts';

const MAX_NEW_SEED = 1_000_000;
const MS_A_MINUTE = 60_000;

const print = (text: string) => process.stdout.write(text);

const killsOf = ({ inFlight }: Figures): number => inFlight.length;

async function run(): Promise<boolean> {
  const args = readArguments(process.argv.slice(2), randomInt(MAX_NEW_SEED));
  if (!args) {
    print(USAGE);
    return true;
  }
  const { minutes, seed, scenarios, kills, brokers } = args;
  print(`seed ${seed}\n`);
  const startedMs = performance.now();
  let figures = NO_FIGURES;
  const objections: Objection[] = [];
  for (let round = 0; ; round += 1) {
    const timeIsOver = performance.now() - startedMs >= minutes * MS_A_MINUTE;
    if (round >= scenarios.length && timeIsOver && killsOf(figures) >= kills) break;
    const name = scenarios[round % scenarios.length]!;
    print(`\nround ${round + 1}: ${name}, seed ${seed + round}\n`);
    const evidence = await runScenario(name, 'full', {
      seed: seed + round,
      brokers,
      say: (line) => print(`  ${line}\n`),
    });
    const found = judge(evidence);
    print(figuresText(evidence.figures) + objectionsText(found));
    figures = addFigures(figures, evidence.figures);
    objections.push(...found);
  }
  print(`\nall rounds of seed ${seed}\n${figuresText(figures)}${objectionsText(objections)}`);
  return objections.length === 0;
}

try {
  process.exitCode = (await run()) ? 0 : 1;
} catch (error) {
  process.stderr.write(`faults: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
