import { describe } from '@jest/globals';
import { whyNoKafka } from './kafka.ts';
import { titleOfSkipped } from './skipped-title.ts';

const whyNot = process.env.CI === 'true' ? undefined : await whyNoKafka();

/**
 * `describe` for what needs a broker. Where none can be started it is skipped, and the end of the run says what to
 * install; on a build server (`CI=true`) it fails instead, for there nobody would notice.
 */
export function describeKafka(title: string, body: () => void): void {
  if (whyNot === undefined) describe(title, body);
  else describe.skip(titleOfSkipped({ title, engine: 'Kafka', whyNot }), body);
}
