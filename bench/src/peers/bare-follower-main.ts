/**
 * The follower of the bare chain: asks the owner's `/feed` again and again, counts what it is told in one statement, which
 * moves its place with the counter, and answers a GET with that counter once it includes the asked position. Nothing is
 * checked, nothing gets lost only as long as nothing fails.
 */
import { Agent, createServer, get, type ServerResponse } from 'node:http';
import { openPool } from '@micromart/postgres/pool';

/** Longer than a leg takes: a connection may be idle for most of it. */
const KEPT_MS = 60_000;
const MAX_CONNECTIONS = 4;

const pool = openPool(process.env.STORE_URL!, { max: MAX_CONNECTIONS, name: 'bare' });
await pool.query('CREATE TABLE place (sequence bigint NOT NULL); INSERT INTO place VALUES (0)');
await pool.query('CREATE TABLE counter (added bigint NOT NULL); INSERT INTO counter VALUES (0)');
const agent = new Agent({ keepAlive: true });
let waiting: { position: number; response: ServerResponse }[] = [];
let reached = 0;
let added = '0';

function ask() {
  get(process.env.FEED_URL!, { agent }, async (answer) => {
    let text = '';
    for await (const chunk of answer) text += chunk;
    ask();
    await count(JSON.parse(text));
  });
}

async function count(sequences: number[]) {
  const last = Math.max(...sequences);
  const { rows } = await pool.query({
    name: 'count',
    text: `WITH moved AS (UPDATE place SET sequence = greatest(sequence, $1))
           UPDATE counter SET added = added + $2 RETURNING added`,
    values: [last, sequences.length],
  });
  reached = Math.max(reached, last);
  added = String(rows[0].added);
  for (const { response } of waiting.filter(({ position }) => position <= reached)) answer(response);
  waiting = waiting.filter(({ position }) => position > reached);
}

const answer = (response: ServerResponse) =>
  response.writeHead(200, { 'content-length': Buffer.byteLength(added) }).end(added);

createServer({ keepAliveTimeout: KEPT_MS }, (request, response) => {
  const position = Number(request.headers['consistent-with'] ?? 0);
  if (position <= reached) answer(response);
  else waiting.push({ position, response });
}).listen(Number(process.env.PORT), process.env.HOST!);
ask();
process.on('SIGTERM', () => process.exit(0));
