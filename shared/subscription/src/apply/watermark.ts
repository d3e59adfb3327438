/**
 * What is true once a position has reached a place: as of when a partition is, for the owner said "at this time I ended at
 * that sequence"; or how far a transport has been read, for it brought that sequence up to there.
 *
 * Under load such words come many times a second, and the position would for ever chase the newest without reaching it.
 * So two are kept: the one that is being chased, until it is reached, and the newest, which is chased next.
 */
export type Watermark<T> = {
  set(sequence: number, value: T): void;
  /** The latest word that a position makes true, given once; undefined when nothing new was reached. */
  reached(position: number): T | undefined;
};

export function createWatermark<T>(): Watermark<T> {
  let chased: { sequence: number; value: T } | undefined;
  let newest: { sequence: number; value: T } | undefined;
  return {
    set(sequence, value) {
      newest = { sequence, value };
      chased ??= newest;
    },
    reached(position) {
      let value: T | undefined;
      while (chased && position >= chased.sequence) {
        value = chased.value;
        chased = chased === newest ? undefined : newest;
      }
      return value;
    },
  };
}
