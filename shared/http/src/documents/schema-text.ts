/** Writes a JSON Schema the way a person would jot it down: `{ productId: text, quantity?: integer 1 to 999 }`. */

export type JsonSchema = {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly default?: unknown;
};

const INDENT = '  ';

/** `indent` is that of the line on which the text starts. A reference becomes the name it refers to. */
export function schemaText(schema: JsonSchema, indent = ''): string {
  const text = textOf(schema, indent);
  return schema.default === undefined ? text : `${text} (${JSON.stringify(schema.default)} if left out)`;
}

function textOf(schema: JsonSchema, indent: string): string {
  const { $ref, const: constant, enum: values, items, properties, additionalProperties } = schema;
  if ($ref !== undefined) return $ref.slice($ref.lastIndexOf('/') + 1);
  if (constant !== undefined) return JSON.stringify(constant);
  if (values) return values.map((value) => JSON.stringify(value)).join(' | ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map((choice) => schemaText(choice, indent)).join(' | ');
  if (schema.allOf) return schema.allOf.map((part) => schemaText(part, indent)).join(' & ');
  if (items) return `[${schemaText(items, indent)}]${range(' of', schema.minItems, schema.maxItems)}`;
  if (properties) return objectText(properties, schema.required ?? [], indent);
  if (typeof additionalProperties === 'object') return `{ […]: ${schemaText(additionalProperties, indent)} }`;
  return scalarText(schema);
}

function objectText(
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[],
  indent: string,
): string {
  const inner = indent + INDENT;
  const lines = Object.entries(properties).map(
    ([name, schema]) => `${inner}${name}${required.includes(name) ? '' : '?'}: ${schemaText(schema, inner)}`,
  );
  return lines.length === 0 ? '{}' : `{\n${lines.join('\n')}\n${indent}}`;
}

function scalarText({ type, format, minimum, maximum, minLength, maxLength }: JsonSchema): string {
  const types = type === undefined ? ['anything'] : [type].flat();
  const name = types.map((one) => (one === 'string' ? (format ?? 'text') : one)).join(' | ');
  return name + range('', minimum, maximum) + range(' of length', minLength, maxLength);
}

function range(word: string, min: number | undefined, max: number | undefined): string {
  const from = min !== undefined && min > Number.MIN_SAFE_INTEGER ? min : undefined;
  const to = max !== undefined && max < Number.MAX_SAFE_INTEGER ? max : undefined;
  if (from === undefined && to === undefined) return '';
  if (from === undefined) return `${word} up to ${to}`;
  if (to === undefined) return from === 0 && word !== '' ? '' : `${word} from ${from}`;
  return `${word} ${from} to ${to}`;
}
