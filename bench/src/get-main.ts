/**
 * `node get-main.ts '<json>'`: keeps asking a number of questions over a number of connections, for a time, and prints
 * what came of it as JSON. A process of its own, so that it takes no time from the server's event loop.
 */
import type { GetPlan } from './get-load.ts';
import { openConnection, requestText } from './load-client.ts';
import type { LoadResult } from './post-load.ts';

const plan = JSON.parse(process.argv[2]!) as GetPlan;
const requests = plan.gets.map(({ path, headers }) => requestText('GET', path, { headers }));
const statuses: Record<number, number> = {};
let answered = 0;
const connections = await Promise.all(
  Array.from({ length: plan.connections }, () => openConnection(plan.host, plan.port)),
);
const startedMs = performance.now();
const untilMs = startedMs + plan.seconds * 1_000;
await Promise.all(
  connections.map(async (connection, lane) => {
    for (let turn = lane; performance.now() < untilMs; turn += 1) {
      const { status } = await connection.send(requests[turn % requests.length]!);
      statuses[status] = (statuses[status] ?? 0) + 1;
      answered += 1;
    }
    connection.close();
  }),
);
const result: LoadResult = {
  statuses,
  perSecond: (answered * 1_000) / (performance.now() - startedMs),
};
process.stdout.write(JSON.stringify(result));
