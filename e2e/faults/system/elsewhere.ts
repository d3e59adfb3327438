/** In the place of a process that another system has: passes every connection on to it. */
import { connect, createServer } from 'node:net';

const { HOST, PORT, ELSEWHERE } = process.env;
const [host, port] = ELSEWHERE!.split(':');

createServer((client) => {
  const server = connect(Number(port), host);
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  }
}).listen(Number(PORT), HOST);

process.on('SIGTERM', () => process.exit(0));
