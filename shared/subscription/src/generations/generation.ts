/**
 * A generation of a read model: one of several copies built from the same log, each with positions and storage of its own.
 * Answers come from the live one. A rebuild makes the next one beside it:
 *
 *     creating ─► building ─► ready ─► dropping ─► dropped
 *     storage     from the    compared
 *                 first event
 *
 * A ready one goes on following, live or not, so that it can be made live at any time, for the first time or again.
 */
export type GenerationState = 'creating' | 'building' | 'ready' | 'dropping' | 'dropped';

export type Generation = {
  /** Also the name of its subscription. The first generation's is the model's own. */
  readonly name: string;
  readonly model: string;
  /** 1 for the first; never used again. */
  readonly number: number;
  /** The shape that it was begun with (read-model.ts). */
  readonly shape: number;
  readonly state: GenerationState;
  readonly live: boolean;
};

export const generationName = (model: string, number: number): string =>
  number === 1 ? model : `${model}~${number}`;

/** Which generation of a model is live. */
export type LiveGeneration = Pick<Generation, 'model' | 'name' | 'number' | 'shape'>;

/** Of what a generation is known by alone, when no process has made rows for generations yet. */
export const firstGeneration = (model: string): LiveGeneration => ({
  model,
  name: model,
  number: 1,
  shape: 1,
});

/** Whether events are applied to it. */
export const isFollowed = ({ state }: Pick<Generation, 'state'>): boolean =>
  state === 'building' || state === 'ready';
