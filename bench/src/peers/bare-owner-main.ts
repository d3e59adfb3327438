/**
 * The owner of the bare chain: a POST is one insert, answered with where it stands, and told to whoever asks for `/feed`,
 * which is held open until there is something.
 */
import { createServer, type ServerResponse } from 'node:http';
import { openPool } from '@micromart/postgres/pool';

/** Longer than a leg takes: a connection may be idle for most of it. */
const KEPT_MS = 60_000;
const MAX_CONNECTIONS = 8;

const pool = openPool(process.env.STORE_URL!, { max: MAX_CONNECTIONS, name: 'bare' });
await pool.query('CREATE TABLE events (sequence bigint GENERATED ALWAYS AS IDENTITY, data json NOT NULL)');
let untold: number[] = [];
let asking: ServerResponse | undefined;

function tell() {
  if (!asking || untold.length === 0) return;
  asking.end(JSON.stringify(untold));
  asking = undefined;
  untold = [];
}

createServer({ keepAliveTimeout: KEPT_MS }, async (request, response) => {
  if (request.url === '/health/ready') return void response.end();
  if (request.url === '/feed') {
    asking = response;
    return tell();
  }
  let body = '';
  for await (const chunk of request) body += chunk;
  const { rows } = await pool.query({
    name: 'append',
    text: 'INSERT INTO events (data) VALUES ($1) RETURNING sequence',
    values: [body],
  });
  const sequence = rows[0].sequence as number;
  untold.push(sequence);
  tell();
  response.writeHead(200, { position: sequence, 'content-length': 0 }).end();
}).listen(Number(process.env.PORT), process.env.HOST!);
process.on('SIGTERM', () => process.exit(0));
