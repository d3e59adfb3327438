/**
 * The OpenAPI document as a page for people. It is plain HTML without scripts or anything to load, so its content security
 * policy can forbid both. It works on a phone, by keyboard and in dark mode.
 */
import { createHash } from 'node:crypto';
import type { OpenApiDocument } from './openapi.ts';
import { type JsonSchema, schemaText } from './schema-text.ts';

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#ddd, #444); --soft: light-dark(#f6f6f6, #222); }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; }
summary { padding: .5rem .75rem; cursor: pointer; overflow-wrap: anywhere; }
details > div { padding: 0 .75rem .75rem; }
b { display: inline-block; min-width: 4.5rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .9rem; }
pre { background: var(--soft); border-radius: .25rem; padding: .5rem; margin: .25rem 0; overflow-x: auto; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
dt { margin-top: .5rem; }
dd { margin-left: 1rem; }
`;

export const DOCS_CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

type Parameter = {
  readonly in: string;
  readonly name: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: JsonSchema;
};
type Content = Readonly<Record<string, { readonly schema?: JsonSchema }>>;
type Described = {
  readonly $ref?: string;
  readonly description?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Content;
};
type Operation = {
  readonly summary?: string;
  readonly description?: string;
  readonly 'x-roles'?: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses?: Readonly<Record<string, Described>>;
};

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

export function createDocsPage({ info, paths, components }: OpenApiDocument): string {
  const shared = (components?.responses ?? {}) as Readonly<Record<string, Described>>;
  const operations = Object.entries(paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const one = item[method] as Operation | undefined;
      return one ? [operation(method, path, one, shared)] : [];
    }),
  );
  const schemas = Object.entries((components?.schemas ?? {}) as Readonly<Record<string, JsonSchema>>).map(
    ([name, schema]) => `<details><summary>${text(name)}</summary><div>${code(schema)}</div></details>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${text(info.title)}: the interface</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${text(info.title)}</h1>
<p>Version ${text(info.version)}. For programs: <a href="openapi.json">openapi.json</a>.</p>
<main>
<h2>What may be asked</h2>
${operations.join('\n')}
<h2>Shapes</h2>
${schemas.join('\n')}
</main>
</body>
</html>
`;
}

function operation(
  method: string,
  path: string,
  { summary, description, parameters = [], requestBody, responses = {}, ...rest }: Operation,
  shared: Readonly<Record<string, Described>>,
): string {
  const roles = rest['x-roles'] ?? [];
  return `<details>
<summary><b>${method.toUpperCase()}</b> <code>${text(path)}</code> ${text(summary)}</summary>
<div>
${description === undefined ? '' : `<p>${text(description)}</p>`}
<p>${roles.length === 0 ? 'Open to anybody.' : `Needs the role ${text(roles.join(' or '))}.`}</p>
${list('Parameters', parameters.map(parameter))}
${requestBody ? `<h3>Body${requestBody.required ? '' : ' (optional)'}</h3>${contents(requestBody.content)}` : ''}
${list(
  'Answers',
  Object.entries(responses).map(([status, one]) => answer(status, resolve(one, shared))),
)}
</div>
</details>`;
}

const parameter = ({ in: location, name, required, description, schema }: Parameter): string =>
  `<dt><code>${text(name)}</code> in ${location}${required ? '' : ' (optional)'}</dt>
<dd>${code(schema)}${text(description)}</dd>`;

function answer(status: string, { description, headers = {}, content = {} }: Described): string {
  const names = Object.keys(headers).map((name) => `<code>${text(name)}</code>`);
  return `<dt><b>${status}</b> ${text(description)}</dt>
<dd>${names.length > 0 ? `Headers: ${names.join(', ')}` : ''}${contents(content)}</dd>`;
}

const resolve = (one: Described, shared: Readonly<Record<string, Described>>): Described =>
  one.$ref === undefined ? one : (shared[one.$ref.slice(one.$ref.lastIndexOf('/') + 1)] ?? one);

const contents = (content: Content): string =>
  Object.entries(content)
    .map(([type, { schema }]) => `<p><code>${text(type)}</code></p>${code(schema)}`)
    .join('');

const list = (title: string, items: readonly string[]): string =>
  items.length === 0 ? '' : `<h3>${title}</h3><dl>${items.join('\n')}</dl>`;

const code = (schema: JsonSchema | undefined): string =>
  schema ? `<pre tabindex="0">${text(schemaText(schema))}</pre>` : '';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const text = (value: string | undefined): string => (value ?? '').replace(/[&<>"']/g, (one) => ESCAPES[one]!);
