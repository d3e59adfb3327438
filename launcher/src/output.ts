/** The output of the launcher and its processes: each line starts with the name of its process, in its own colour. */
export type Output = {
  /** Prints a line of this name. */
  line(name: string, text: string): void;
  /** Prints a text as it is. */
  text(text: string): void;
};

const COLOURS = [36, 33, 35, 32, 34, 91, 96, 93];
const MAX_LINE_LENGTH = 10_000;

/** `names` are all names in the output; the longest sets the width of the column. */
export function createOutput(
  names: readonly string[],
  { write, colours }: { write: (text: string) => void; colours: boolean },
): Output {
  const width = Math.max(0, ...names.map((name) => name.length));
  return {
    line: (name, text) => {
      const label = name.padEnd(width);
      const colour = COLOURS[Math.max(0, names.indexOf(name)) % COLOURS.length];
      const prefix = colours ? `\u001b[${colour}m${label}\u001b[0m` : label;
      write(`${prefix}  ${text.slice(0, MAX_LINE_LENGTH)}\n`);
    },
    text: write,
  };
}
