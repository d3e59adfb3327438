/** Node's own server and nothing else: a 304 for whatever is asked. What no service on Node can be faster than. */
import { createServer } from 'node:http';

createServer((request, response) => {
  response.statusCode = request.url === '/health/ready' ? 200 : 304;
  response.end();
}).listen(Number(process.env.PORT), process.env.HOST);
process.on('SIGTERM', () => process.exit(0));
