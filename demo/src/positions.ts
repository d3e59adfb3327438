import { formatPosition, type LogPosition, parsePosition } from '@micromart/events/position';

/** How far into the logs a client's own writes have come: the highest sequence of each log's partition. */
export type Positions = {
  /** Records an answer's `Position` header; a write before the cart's first event has none. */
  note(header: string | undefined): void;
  /** The value of `Consistent-With` that includes all of them; undefined if there are none. */
  consistentWith(): string | undefined;
};

export function createPositions(): Positions {
  const highest = new Map<string, LogPosition>();

  return {
    note(header) {
      if (header === undefined) return;
      const places = parsePosition(header);
      if (!places) throw new Error(`the Position header "${header.slice(0, 200)}" cannot be read`);
      for (const place of places) {
        const key = `${place.log}/${place.partition}`;
        const known = highest.get(key);
        if (!known || known.sequence < place.sequence) highest.set(key, place);
      }
    },
    consistentWith: () => (highest.size === 0 ? undefined : formatPosition([...highest.values()])),
  };
}
