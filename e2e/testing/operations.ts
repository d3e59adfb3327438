/** For tests: the operations of an OpenAPI document, and a valid request for each, as far as the document says. */
import type { Role } from '@micromart/http/authentication/authentication';

export type JsonSchema = {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly minimum?: number;
  readonly format?: string;
  readonly pattern?: string;
  readonly example?: unknown;
  readonly examples?: readonly unknown[];
};

export type Parameter = {
  readonly in: 'path' | 'query' | 'header';
  readonly name: string;
  readonly required?: boolean;
  readonly schema: JsonSchema;
};

export type Operation = {
  readonly service: string;
  readonly method: string;
  /** With its parameters in braces. */
  readonly path: string;
  readonly roles: readonly Role[];
  readonly parameters: readonly Parameter[];
  readonly body: JsonSchema | undefined;
  readonly tags: readonly string[];
  readonly responses: Readonly<
    Record<string, { readonly $ref?: string; readonly headers?: object; readonly content?: object }>
  >;
};

export type OpenApi = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, JsonSchema>> };
};

type Described = {
  readonly 'x-roles': readonly Role[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: { 'application/json': { schema: JsonSchema } } };
  readonly tags?: readonly string[];
  readonly responses: Operation['responses'];
};

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

export function operationsOf(service: string, { paths, components }: OpenApi): Operation[] {
  const resolve = (schema: JsonSchema): JsonSchema =>
    schema.$ref ? components!.schemas![schema.$ref.split('/').at(-1)!]! : schema;
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => {
      const { parameters = [], requestBody, tags = [], responses, ...rest } = item[method]!;
      const body = requestBody?.content['application/json'].schema;
      return {
        service,
        method: method.toUpperCase(),
        path,
        roles: rest['x-roles'],
        parameters,
        body: body && resolve(body),
        tags,
        responses,
      };
    }),
  );
}

export const nameOf = ({ service, method, path }: Operation): string => `${service} ${method} ${path}`;

/** A value that a schema accepts, as far as its keywords and examples say. */
export function sample(schema: JsonSchema): unknown {
  const { example, examples, anyOf, oneOf, properties, required = [], items, minItems = 0 } = schema;
  const given = example ?? examples?.[0] ?? schema.const ?? schema.enum?.[0];
  if (given !== undefined) return given;
  const choice = (anyOf ?? oneOf)?.[0];
  if (choice) return sample(choice);
  if (properties) return Object.fromEntries(required.map((name) => [name, sample(properties[name]!)]));
  if (items) return Array.from({ length: minItems }, () => sample(items));
  if (schema.type === 'integer' || schema.type === 'number') return schema.minimum ?? 1;
  if (schema.type === 'boolean') return true;
  if (schema.format === 'uuid') return '00000000-0000-4000-8000-000000000000';
  if (schema.format === 'date-time') return '2026-01-01T00:00:00Z';
  return 'text';
}

/** The path with these values, percent-encoded, and samples for others; adds the query parameters that are required. */
export function pathOf(
  { path, parameters }: Operation,
  values: Readonly<Record<string, string>> = {},
): string {
  const textOf = ({ name, schema }: Parameter) => encodeURIComponent(values[name] ?? String(sample(schema)));
  const filled = parameters
    .filter((one) => one.in === 'path')
    .reduce((all, one) => all.replace(`{${one.name}}`, textOf(one)), path);
  const query = parameters
    .filter((one) => one.in === 'query' && one.required)
    .map((one) => `${one.name}=${textOf(one)}`);
  return query.length > 0 ? `${filled}?${query.join('&')}` : filled;
}
