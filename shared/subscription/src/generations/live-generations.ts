/**
 * Which generation of each read model readers go to, as this process knows it. What it knows may be out of date at any
 * moment, so every answer reads in its own snapshot which one is live (freshness/freshness.ts), and tells it here.
 */
import { problem } from '@micromart/http/problem';
import { type Applied, createApplied } from '../freshness/applied.ts';
import { createNotifier } from '../notifier.ts';
import { firstGeneration, type LiveGeneration } from './generation.ts';
import type { ReadModel } from './read-model.ts';

/** Another instance of a newer version answers, or this one is replaced by it. */
const RETRY_UNKNOWN_S = 5;

/** Where a reading transaction is to read. */
export type Entered = {
  /** The generation of each model that is asked for. */
  readonly generations: ReadonlyMap<string, string>;
  /** To be set in that transaction; undefined where the session's own will do. */
  readonly searchPath: string | undefined;
};

export type LiveGenerations = {
  /** Throws a Problem, `unavailable` of type `generation-unknown`, where this process cannot serve one of them. */
  enter(models: readonly string[]): Entered;
  /** How often readers have entered. */
  entries(): number;
  /** Told which generations are live, as a snapshot said. */
  learn(found: readonly LiveGeneration[]): void;
  /** Undefined while this process has not learnt it. */
  of(model: string): LiveGeneration | undefined;
  /** Whether this process can serve the live generation of a model. */
  serves(model: string): boolean;
  /** What this process applies to a generation is noted in the one of its name. */
  appliedTo(generation: string): Applied;
  /** Rings for all of them, and includes what is included in the live generations. */
  readonly applied: Applied;
};

type Model = Pick<ReadModel<unknown>, 'name' | 'reading'>;

/** For readers of these models. A name that is no model's is that of a subscription without generations. */
export function createLiveGenerations(models: readonly Model[] = []): LiveGenerations {
  const live = new Map<string, LiveGeneration>();
  const notifier = createNotifier();
  const applied = new Map<string, Applied>();
  let entries = 0;
  const generationOf = (model: string) => live.get(model) ?? firstGeneration(model);

  function appliedTo(generation: string): Applied {
    const known = applied.get(generation) ?? createApplied(notifier);
    applied.set(generation, known);
    return known;
  }

  const readingOf = (name: string) => {
    const model = models.find((one) => one.name === name);
    return model ? model.reading(generationOf(name)) : {};
  };

  return {
    entries: () => entries,
    enter(names) {
      entries += 1;
      const readings = names.map((name) => {
        const reading = readingOf(name);
        if (!reading) throw unknown(generationOf(name));
        return reading;
      });
      const paths = readings.flatMap(({ searchPath }) => searchPath ?? []);
      return {
        generations: new Map(names.map((name) => [name, generationOf(name).name])),
        searchPath: paths.length > 0 ? paths.join(', ') : undefined,
      };
    },
    learn(found) {
      for (const generation of found) live.set(generation.model, generation);
      notifier.notify();
    },
    of: (model) => live.get(model),
    serves: (model) => readingOf(model) !== undefined,
    appliedTo,
    applied: Object.assign(createApplied(notifier), {
      includes: (positions: Parameters<Applied['includes']>[0]) =>
        positions.every((position) =>
          [...live.values()].some(({ name }) => applied.get(name)?.includes([position]) ?? false),
        ),
    }),
  };
}

const unknown = ({ name, shape }: LiveGeneration): Error =>
  problem(
    'unavailable',
    `Answers come from generation ${name} now, of shape ${shape}, which this instance's version does not know. ` +
      'Ask another instance, or update this one.',
    { type: 'generation-unknown', retryAfterS: RETRY_UNKNOWN_S },
  );
