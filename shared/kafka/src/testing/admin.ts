import { createLogger } from '@micromart/process/logger';
import { createClient } from '../client.ts';
import type { KafkaTopic } from '../url.ts';

type Admin = ReturnType<Awaited<ReturnType<typeof createClient>>['admin']>;

/** For tests: does something to a cluster that only its administrator may. */
export async function asAdmin<T>(topic: KafkaTopic, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = (await createClient(topic, createLogger({ name: 'admin', level: 'silent' }))).admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

export const deleteTopic = (topic: KafkaTopic): Promise<void> =>
  asAdmin(topic, (admin) => admin.deleteTopics({ topics: [topic.topic] }));
