/** A statement with `$1`, `$2`, …, and a function that puts values in their order. */
export type Numbered<Name extends string> = {
  readonly text: string;
  valuesOf<Value>(values: Readonly<Record<Name, Value>>): Value[];
};

/** A colon and a name, but not the second colon of a cast (`::text`). */
const PARAMETER = /(?<!:):([a-z_]+)/g;

/**
 * Numbers the parameters of a statement: `:name` becomes `$1`, `$2`, … in the order in which names first appear; a name that
 * appears again keeps its number. Quotes and comments of the text must not contain such names. Throws when a parameter has no
 * value, or a value no parameter.
 */
export function numberParameters<Name extends string>(text: string): Numbered<Name> {
  const names: string[] = [];
  const numbered = text.replace(PARAMETER, (_, name: string) => {
    if (!names.includes(name)) names.push(name);
    return `$${names.indexOf(name) + 1}`;
  });
  return {
    text: numbered,
    valuesOf<Value>(values: Readonly<Record<string, Value>>) {
      const unused = Object.keys(values).filter((name) => !names.includes(name));
      const missing = names.filter((name) => !Object.hasOwn(values, name));
      if (unused.length + missing.length > 0)
        throw new Error(`parameters and values do not match: ${[...unused, ...missing].join(', ')}`);
      return names.map((name) => values[name]!);
    },
  };
}
