import { setTimeout as sleep } from 'node:timers/promises';
import { openConnection, requestText } from './load-client.ts';
import { WrongAnswer } from './protocol.ts';

const CONNECTIONS = 8;
const PER_SECOND = 100;
/** Of a connection, so that all of them come to the rate. */
const INTERVAL_MS = (CONNECTIONS * 1_000) / PER_SECOND;

/** Asks for sets of products in turn, a hundred times a second, until the signal fires; gives the latencies in milliseconds. */
export async function readAtRate(
  {
    host,
    port,
    authorization,
    sets,
  }: { host: string; port: number; authorization: string; sets: readonly (readonly string[])[] },
  signal: AbortSignal,
): Promise<number[]> {
  const requests = sets.map((ids) =>
    requestText('GET', `/products?ids=${ids.join()}`, { headers: { authorization } }),
  );
  const latenciesMs: number[] = [];
  const read = async (lane: number) => {
    const connection = await openConnection(host, port);
    let freeMs = performance.now();
    const firstMs = freeMs + (lane * INTERVAL_MS) / CONNECTIONS;
    for (let turn = 0; !signal.aborted; turn += 1) {
      const dueMs = firstMs + turn * INTERVAL_MS;
      await sleep(Math.max(0, dueMs - performance.now()));
      const request = requests[(lane + turn * CONNECTIONS) % requests.length]!;
      const { status, latencyMs } = await connection.send(request);
      if (status !== 200) throw new WrongAnswer(`a read was answered ${status}`);
      // One that had to wait for a slow one before it counts that wait too, or a stall would show only once.
      latenciesMs.push(latencyMs + Math.max(0, freeMs - dueMs));
      freeMs = performance.now();
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, lane) => read(lane)));
  return latenciesMs;
}
