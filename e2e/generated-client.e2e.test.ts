/** A client that a foreign tool generates from the documents of the running services compiles, and works. */
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { roles } from '@micromart/http/authentication/authentication';
import { type AllServices, openAllServices, type ServiceName } from './testing/all-services.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PROGRAM = 'shopping.ts';
/** It uses TypeScript's API, which the compiler here lacks; so `e2e` has an older compiler too. */
const GENERATOR = fileURLToPath(new URL('node_modules/.bin/openapi-typescript', import.meta.url));
const COMPILER = join(ROOT, 'node_modules', '.bin', 'tsc');
/** It takes seconds; the rest is for a busy machine. */
const CAP_MS = 180_000;

let all: AllServices;
let folder: string;

beforeAll(async () => {
  all = await openAllServices();
  folder = await mkdtemp(join(await realpath(tmpdir()), 'micromart-client-'));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await copyFile(new URL(`generated-client/${PROGRAM}`, import.meta.url), join(folder, PROGRAM));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), include: ['*.ts'], exclude: [] }),
  );
  await Promise.all(
    [...all.documents.keys()].map((service) => generate(service, `${all.urls[service]}/openapi.json`)),
  );
}, CAP_MS);

afterAll(async () => {
  await all?.close();
  if (folder) await rm(folder, { recursive: true });
});

/** Writes the types of a document, given by its address or its file, where the program expects them. */
const generate = (service: ServiceName, document: string) =>
  run(process.execPath, [GENERATOR, document, '--output', join(folder, `${service}.ts`)]);

/** The compiler's errors. */
async function compile(): Promise<string> {
  const compiled = run(COMPILER, ['--project', folder]);
  return compiled.then(
    () => '',
    ({ stdout, message }) => stdout || message,
  );
}

test(
  'a client of generated types compiles, shops and reads the counts',
  async () => {
    expect(await compile()).toBe('');
    const tokens = await Promise.all(roles.map(async (role) => [role, await all.token(role)]));
    const argument = JSON.stringify({ urls: all.urls, tokens: Object.fromEntries(tokens) });
    const { stdout } = await run(process.execPath, [join(folder, PROGRAM), argument]);
    expect(JSON.parse(stdout)).toEqual({
      sale: { state: 'done', result: 'applied' },
      product: { name: 'Tea', price: { amount: 399, currency: 'USD' }, again: 304 },
      cart: {
        replayed: 'true',
        sameCart: true,
        total: { amount: 798, currency: 'USD' },
        quantities: [2],
        unchanged: 304,
        late: { status: 412, type: '/problems/precondition-failed' },
      },
      counts: { unitsAdded: 2, reaches: true, asOf: true },
      operations: { parked: [], worker: { live: true } },
    });
  },
  CAP_MS,
);

test(
  'it does not compile where a document does not declare a header that it reads',
  async () => {
    const lost = [
      ['cart-service', '/carts', 'post', 201, 'Location'],
      ['catalog-service', '/products/{id}', 'put', 202, 'Retry-After'],
      ['shopper-tracking-service', '/products/{id}/counts', 'get', 200, 'Position'],
    ] as const;
    await Promise.all(
      lost.map(async ([service, path, method, status, header]) => {
        const document = structuredClone(all.documents.get(service)!);
        delete (document.paths[path]![method]!.responses[status]!.headers as Record<string, unknown>)[header];
        const file = join(folder, `${service}.json`);
        await writeFile(file, JSON.stringify(document));
        await generate(service, file);
      }),
    );
    const said = await compile();
    for (const [, , , , header] of lost)
      expect(said).toContain(`Argument of type '"${header}"' is not assignable`);
  },
  CAP_MS,
);
