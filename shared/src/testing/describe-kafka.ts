import { describe } from '@jest/globals';
import { whyNoKafka } from './kafka.ts';

const missing = await whyNoKafka();

/**
 * `describe` for what needs a broker. Where none can be started it is skipped, and its name says what to install; on a
 * build server (`CI=true`) it fails instead, for there nobody would notice.
 */
export function describeKafka(name: string, define: () => void): void {
  if (!missing || process.env.CI === 'true') describe(name, define);
  else describe.skip(`${name} (skipped: ${missing})`, define);
}
