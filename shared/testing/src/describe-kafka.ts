import { describe } from '@jest/globals';
import { whyNoKafka } from './kafka.ts';
import { titleOfSkipped } from './skipped-title.ts';

const whyNot = process.env.CI === 'true' ? undefined : await whyNoKafka();

/**
 * `describe` for suites that need a broker. If none can start, the suite is skipped, and the end of the run says what to
 * install. On a build server (`CI=true`) it fails instead, because nobody would notice a skip there.
 */
export function describeKafka(title: string, body: () => void): void {
  if (whyNot === undefined) describe(title, body);
  else describe.skip(titleOfSkipped({ title, engine: 'Kafka', whyNot }), body);
}
