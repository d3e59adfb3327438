import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { arrowsPointDownward } from './architecture/layers.ts';
import {
  environmentIsReadAtTheEdge,
  pureFilesAskNoClockAndNoChance,
  pureFilesImportOnlyPureOnes,
  pureListNamesWhatExists,
} from './architecture/purity.ts';
import { readTree } from './architecture/read-tree.ts';
import {
  filesAreShort,
  namesSayWhatFor,
  noCycles,
  replacedNamesStayAway,
  versionsAreExact,
} from './architecture/shape.ts';
import { type Tree, treeOf } from './architecture/tree.ts';
import {
  declaredPackagesAreImported,
  driversStayBehindTheirNames,
  enginesServeDevelopmentAlone,
  launcherAndDemoImportNoService,
  packagesAreDeclared,
  packagesImportOnlyLowerOnes,
  productionImportsNoTestCode,
  type Rule,
  servicesImportOnlyShared,
  workspacesMeetByName,
} from './architecture/walls.ts';

/**
 * The rules of the architecture. Each is checked on the real tree, and on small trees that break it: it must find every file
 * marked `// breaks`, and no other.
 */

type Texts = Readonly<Record<string, string>>;

const manifests: Texts = {
  'package.json': '{ "devDependencies": { "fast-check": "4.10.2" } }',
  'shared/http/package.json':
    '{ "name": "@micromart/http", "exports": { "./*": "./src/*.ts" }, "dependencies": { "zod": "4.6.7" } }',
  'shared/kafka/package.json':
    '{ "name": "@micromart/kafka", "exports": { "./*": "./src/*.ts" }, "dependencies": { "@micromart/http": "0.1.0" } }',
  'shared/testing/package.json': '{ "name": "@micromart/testing", "exports": { "./*": "./src/*.ts" } }',
  'engines/package.json': '{ "name": "@micromart/engines", "exports": { "./*": "./src/*.ts" } }',
  'cart-service/package.json':
    '{ "name": "@micromart/cart-service", "exports": { "./*": "./src/*.ts" }, "dependencies": { "zod": "4.6.7" } }',
  'tracking-service/package.json': '{ "name": "@micromart/tracking-service" }',
};

const rules: { name: string; rule: Rule; broken: Texts }[] = [
  {
    name: 'a service imports no other workspace than shared',
    rule: servicesImportOnlyShared,
    broken: {
      'cart-service/src/cart.ts': "import { problem } from '@micromart/http/problem';",
      'tracking-service/src/counts.ts': "// breaks\nimport { cart } from '@micromart/cart-service/cart';",
      'tracking-service/src/again.ts':
        "// breaks\nimport type { Cart } from '../../cart-service/src/cart.ts';",
      'tracking-service/src/late.ts':
        "// breaks\nexport const late = () => import('@micromart/cart-service/cart');",
      'storefront/src/page.ts': "// breaks\nexport {\n  cart,\n} from '@micromart/cart-service/cart';",
    },
  },
  {
    name: 'a package of shared imports only those below it',
    rule: packagesImportOnlyLowerOnes,
    broken: {
      'shared/kafka/src/relay.ts': "import { app } from '@micromart/http/app';",
      'shared/http/src/relay.int.test.ts': "import { until } from '@micromart/testing/until';",
      'shared/http/src/app.ts': "// breaks\nimport type { Relay } from '@micromart/kafka/relay';",
      'shared/http/src/route.ts': "// breaks\nimport type { Cart } from '@micromart/cart-service/cart';",
      'shared/http/src/sign.ts': "// breaks\nimport { sign } from '../../../launcher/src/launch.ts';",
      'shared/unlisted/src/sign.ts': "// breaks\nimport { app } from '@micromart/http/app';",
    },
  },
  {
    name: 'what runs on a developer’s machine alone is imported only by tests and by what starts it',
    rule: enginesServeDevelopmentAlone,
    broken: {
      'launcher/src/start.ts': "import { startPostgres } from '@micromart/engines/postgres/server';",
      'shared/kafka/src/relay.int.test.ts': "import { startKafka } from '@micromart/engines/kafka/cluster';",
      'shared/kafka/src/relay.ts':
        "// breaks\nimport { startKafka } from '@micromart/engines/kafka/cluster';",
      'cart-service/src/service.ts':
        "// breaks\nimport { startKafka } from '@micromart/engines/kafka/cluster';",
    },
  },
  {
    name: 'the launcher and the demo know services as processes only',
    rule: launcherAndDemoImportNoService,
    broken: {
      'launcher/src/main.ts': "// breaks\nimport { start } from '@micromart/cart-service/service';",
      'demo/src/main.ts': "import { app } from '@micromart/http/app';",
    },
  },
  {
    name: 'a workspace is reached by its name, never by a path across',
    rule: workspacesMeetByName,
    broken: {
      'cart-service/src/cart.ts': "import { problem } from '@micromart/http/problem';",
      'cart-service/src/routes.ts': "// breaks\nimport { route } from '../../shared/http/src/route.ts';",
    },
  },
  {
    name: 'what runs in production imports no test code',
    rule: productionImportsNoTestCode,
    broken: {
      'cart-service/src/routes.test.ts': "import { openTestIssuer } from '@micromart/testing/http';",
      'cart-service/src/routes.ts': "// breaks\nimport { until } from '@micromart/testing/until';",
    },
  },
  {
    name: 'every package is declared where it is imported',
    rule: packagesAreDeclared,
    broken: {
      'cart-service/src/cart.ts':
        "import { randomUUID } from 'node:crypto';\nimport { z } from 'zod';\nimport './side.ts';",
      'cart-service/src/cart.test.ts': "import fc from 'fast-check';",
      'cart-service/src/money.ts': "// breaks\nimport fc from 'fast-check';",
      'tracking-service/src/counts.ts': "// breaks\nimport type { z } from 'zod/v4';",
      'tracking-service/src/routes.ts': "// breaks\nimport { route } from '@micromart/http/route';",
      'shared/kafka/src/relay.ts': "import { app } from '@micromart/http/app';",
      'shared/kafka/src/testing/owner.ts': "import fc from 'fast-check';",
      'shared/testing/src/postgres.ts': "// breaks\nimport fc from 'fast-check';",
      'shared/testing/src/run/plan.ts': "// breaks\nimport { app } from '@micromart/http/app';",
      'shared/testing/src/run/plan.test.ts': "import fc from 'fast-check';",
    },
  },
  {
    name: 'a package of shared declares only what it imports',
    rule: declaredPackagesAreImported,
    broken: {
      'shared/http/src/app.ts': "import { z } from 'zod';",
      'shared/kafka/src/relay.ts': "import { app } from '@micromart/http/app';",
      'shared/events/package.json':
        '{ "breaks": "// breaks", "name": "@micromart/events", "dependencies": { "zod": "4.6.7" } }',
      'shared/events/src/envelope.test.ts': "import { z } from 'zod';",
    },
  },
  {
    name: 'a driver is imported only by files that bear its name',
    rule: driversStayBehindTheirNames,
    broken: {
      'cart-service/src/store/postgres.ts': "import pg from 'pg';",
      'cart-service/src/store/store.ts': "// breaks\nimport type pg from 'pg';",
      'cart-service/src/routes.ts': "// breaks\nimport express from 'express';",
      'shared/http/src/app.ts': "import express from 'express';\nimport helmet from 'helmet';",
      'shared/testing/src/postgres.ts': "import pg from 'pg';",
      'shared/event-log/src/relay.ts': "// breaks\nimport { Kafka } from 'kafkajs';",
    },
  },
  {
    name: 'a pure file imports only pure ones',
    rule: pureFilesImportOnlyPureOnes,
    broken: {
      'cart-service/src/cart.ts':
        "import { z } from 'zod';\nimport type { Route } from '@micromart/http/route';",
      'cart-service/src/money.ts': "// breaks\nimport { readFileSync } from 'node:fs';",
      'cart-service/src/line.ts': "// breaks\nimport { route } from '@micromart/http/route';",
      'cart-service/src/total.ts': "// breaks\nimport { openStore } from './store/store.ts';",
      'cart-service/src/service.ts': "import { createServer } from 'node:http';",
      'shared/events/src/partition.ts': "// breaks\nimport pg from 'pg';",
    },
  },
  {
    name: 'a pure file asks no clock, no chance and no timer',
    rule: pureFilesAskNoClockAndNoChance,
    broken: {
      'cart-service/src/cart.ts': 'export const at = (now: number) => new Date(now); // never Date.now()',
      'cart-service/src/line.ts': '// breaks\nexport const addedAt = () => Date.now();',
      'cart-service/src/key.ts': '// breaks\nexport const key = () => Math.random();',
      'cart-service/src/routes.ts': 'export const at = () => Date.now();',
    },
  },
  {
    name: 'process.env is read only where a process begins',
    rule: environmentIsReadAtTheEdge,
    broken: {
      'cart-service/src/main.ts': 'run(process.env);',
      'catalog-service/src/worker-main.ts': 'run(process.env);',
      'cart-service/src/config.ts': 'export const port = process.env.PORT;',
      'launcher/src/plan.ts': 'export const port = process.env.PORT_BASE;',
      'cart-service/src/routes.ts': '// breaks\nexport const limit = process.env.LIMIT;',
      'shared/http/src/app.ts': "// breaks\nexport const limit = process['env'].LIMIT;",
      'shared/http/src/server/server.ts': "// breaks\nimport { env } from 'node:process';",
    },
  },
  {
    name: 'arrows within a service point downward',
    rule: arrowsPointDownward,
    broken: {
      'cart-service/src/main.ts': "import { start } from './service.ts';",
      'cart-service/src/service.ts':
        "import { routes } from './routes.ts';\nimport { open } from './store/store.ts';",
      'cart-service/src/routes.ts':
        "import { add } from './cart.ts';\nimport type { Store } from './store/store.ts';",
      'cart-service/src/subscriptions.ts': "// breaks\nimport { open } from './store/store.ts';",
      'cart-service/src/store/store.ts': "import type { Cart } from '../cart.ts';",
      'cart-service/src/store/postgres.ts': "// breaks\nimport { routes } from '../routes.ts';",
      'cart-service/src/cart.ts': "// breaks\nimport type { Store } from './store/store.ts';",
    },
  },
  {
    name: 'a file has at most 250 lines, tests aside',
    rule: filesAreShort,
    broken: {
      'shared/http/src/app.ts': `// breaks${'\n// one more'.repeat(250)}`,
      'shared/http/src/app.int.test.ts': '\n// one more'.repeat(300),
      'shared/http/src/route.ts': '\n// one more'.repeat(249),
    },
  },
  {
    name: 'a name that gave way to the field’s own word does not come back',
    rule: replacedNamesStayAway,
    broken: {
      'shared/subscription/src/bell.ts': '// breaks',
      'shared/subscription/src/signal.ts': '// breaks\nexport function createBell() {}',
      'shared/subscription/src/timeline.ts': 'export const createLineReader = 1;',
    },
  },
  {
    name: 'no files import each other in a circle',
    rule: noCycles,
    broken: {
      'shared/http/src/a.ts': "import './b.ts';",
      'shared/http/src/b.ts': "import { c } from './c.ts';",
      'shared/http/src/c.ts': "// breaks\nimport { a } from '@micromart/http/a';",
      'shared/http/src/d.ts': "import type { E } from './e.ts';",
      'shared/http/src/e.ts': "// breaks\nimport { d } from './d.ts';",
    },
  },
  {
    name: 'every file has a name that says what it is for',
    rule: namesSayWhatFor,
    broken: {
      'shared/http/src/common.ts': '// breaks',
      'shared/utils/src/dates.ts': '// breaks',
      'cart-service/src/cart-types.ts': '// breaks',
      'cart-service/src/helpers.test.ts': '// breaks',
      'cart-service/src/prototypes.ts': '',
    },
  },
  {
    name: 'every dependency has an exact version',
    rule: versionsAreExact,
    broken: {
      'bench/package.json': '{ "dependencies": { "pg": "8.23.1", "@micromart/shared": "*" } }',
      'demo/package.json': '{ "breaks": "// breaks", "dependencies": { "csv-parse": "^7.0.3" } }',
      'e2e/package.json': '{ "breaks": "// breaks", "devDependencies": { "playwright-core": "latest" } }',
    },
  },
];

let tree: Tree;
beforeAll(async () => {
  tree = await readTree(fileURLToPath(new URL('..', import.meta.url)));
});

describe.each(rules)('$name', ({ rule, broken }) => {
  test('in this project', () => {
    expect(rule(tree)).toEqual([]);
  });

  test('and a tree that breaks it is caught', () => {
    const marked = Object.keys(broken).filter((path) => broken[path]!.includes('// breaks'));
    const caught = rule(treeOf({ ...manifests, ...broken }));
    for (const path of marked) expect(caught).toContainEqual(expect.stringContaining(path));
    expect(caught).toHaveLength(marked.length);
  });
});

test('every file that the rules call pure exists', () => {
  expect(pureListNamesWhatExists(tree)).toEqual([]);
  expect(pureListNamesWhatExists(treeOf({}))).toContainEqual(expect.stringContaining('partition.ts'));
});

test('the tree is really there', () => {
  expect(tree.files.length).toBeGreaterThan(50);
  expect(tree.files.flatMap(({ imports }) => imports).filter(({ file }) => file).length).toBeGreaterThan(100);
});
