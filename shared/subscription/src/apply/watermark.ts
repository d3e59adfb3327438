/**
 * What is true once a position has reached a place: as of when a partition is, for the owner said "at this time I ended at
 * that sequence"; or how far a transport has been read, for it brought that sequence up to there.
 *
 * Under load such words come many times a second, and the position would for ever chase the newest without reaching it.
 * So two are kept: the one that is being chased, until it is reached, and the newest, which is chased next.
 */
export type Mark<T> = {
  note(sequence: number, word: T): void;
  /** The latest word that a position makes true, given once; undefined when nothing new was reached. */
  reached(position: number): T | undefined;
};

export function createMark<T>(): Mark<T> {
  let chased: { sequence: number; word: T } | undefined;
  let newest: { sequence: number; word: T } | undefined;
  return {
    note(sequence, word) {
      newest = { sequence, word };
      chased ??= newest;
    },
    reached(position) {
      let word: T | undefined;
      while (chased && position >= chased.sequence) {
        word = chased.word;
        chased = chased === newest ? undefined : newest;
      }
      return word;
    },
  };
}
