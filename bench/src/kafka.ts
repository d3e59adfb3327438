import { openTestKafka } from '@micromart/testing/kafka';

/** Runs a leg on a broker of its own; `url` is a follower's, and its owner's, with a topic that is not there yet. */
export async function onFreshKafka<T>(leg: (url: string) => Promise<T>): Promise<T> {
  const kafka = await openTestKafka();
  // It is in a process group of its own, and Ctrl-C does not reach it.
  const kill = () => {
    for (const { pid } of kafka.nodes) if (pid) process.kill(pid, 'SIGKILL');
  };
  process.once('exit', kill);
  try {
    return await leg(`kafka://${kafka.brokers[0]}/cart-events`);
  } finally {
    process.off('exit', kill);
    await kafka.close();
  }
}
