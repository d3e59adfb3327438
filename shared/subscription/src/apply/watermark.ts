/**
 * A value that becomes true once the position reaches a sequence. For a partition's As-Of: the owner said "at this time my
 * head was that sequence".
 *
 * Under load such pairs come many times a second, and the position might never reach the newest one. So two are kept: one
 * stays until the position reaches it, and then the newest replaces it.
 */
export type Watermark<T> = {
  set(sequence: number, value: T): void;
  /** The latest value that this position makes true, returned once; undefined when nothing new was reached. */
  reached(position: number): T | undefined;
};

export function createWatermark<T>(): Watermark<T> {
  let awaited: { sequence: number; value: T } | undefined;
  let newest: { sequence: number; value: T } | undefined;
  return {
    set(sequence, value) {
      newest = { sequence, value };
      awaited ??= newest;
    },
    reached(position) {
      let value: T | undefined;
      while (awaited && position >= awaited.sequence) {
        value = awaited.value;
        awaited = awaited === newest ? undefined : newest;
      }
      return value;
    },
  };
}
