/**
 * `node run-main.ts ours results.json [id …]`: runs the suite, or some of its tests, against one client, and writes which
 * tests passed. A process for each run, since the suite keeps its results in its modules, and prints as it likes.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getResults, runTests } from 'http-cache-tests/client/runner.mjs';
import handleConfig from 'http-cache-tests/server/handle-config.mjs';
import handleState from 'http-cache-tests/server/handle-state.mjs';
import handleTest from 'http-cache-tests/server/handle-test.mjs';
import { clients } from './clients.ts';
import { suites } from './suites.ts';

const HANDLERS = new Map([
  ['config', handleConfig],
  ['state', handleState],
  ['test', handleTest],
]);
const AT_ONCE = 120;

const [name, file, ...ids] = process.argv.slice(2) as ['ours' | 'undici', string, ...string[]];

const server = createServer((request, response) => {
  const [handler, ...path] = new URL(request.url!, 'http://origin').pathname.slice(1).split('/');
  HANDLERS.get(handler!)(path, request, response);
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;

const isMeant = ({ id }: { id: string }) => ids.length === 0 || ids.includes(id);
const meant = suites.map((suite) => ({ ...suite, tests: suite.tests.filter(isMeant) }));
await runTests(meant, clients[name](), false, `http://127.0.0.1:${port}`, AT_ONCE);

const passed = Object.entries(getResults()).map(([id, result]) => [id, result === true]);
writeFileSync(file, JSON.stringify(Object.fromEntries(passed)));
process.exit();
