/**
 * When a partition is known to include all that was committed before some moment: the owner said "at this time I ended
 * at that sequence", and the position has reached it.
 *
 * Under load the owner says so many times a second, and the position would for ever chase the newest word without
 * reaching it. So two are kept: the one that is being chased, until it is reached, and the newest, which is chased next.
 */
export type Mark = {
  /** The owner ended at `head` at the time `at`. */
  note(head: number, at: Date): void;
  /** The latest time that a position is known to include, given once; undefined when nothing new was reached. */
  reached(position: number): Date | undefined;
};

type Word = { readonly head: number; readonly at: Date };

export function createMark(): Mark {
  let chased: Word | undefined;
  let newest: Word | undefined;
  return {
    note(head, at) {
      newest = { head, at };
      chased ??= newest;
    },
    reached(position) {
      let at: Date | undefined;
      while (chased && position >= chased.head) {
        at = chased.at;
        chased = chased === newest ? undefined : newest;
      }
      return at;
    },
  };
}
