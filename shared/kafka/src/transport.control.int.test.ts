/**
 * The control to follower.contract.ts: a follower that only compares with the last sequence it saw, as many do. It takes every
 * later event for the next one, and skips every earlier one. With the same losses and reorderings it must count wrong.
 */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { KafkaCluster } from '@micromart/engines/kafka/cluster';
import { arrayLiteral } from '@micromart/postgres/binary-array';
import * as fence from '@micromart/subscription/apply/fence';
import * as reorderBuffer from '@micromart/subscription/apply/reorder-buffer';
import { journeys, travel } from '@micromart/subscription/testing/journey';
import { createTestSource } from '@micromart/subscription/testing/source';
import { describeKafka } from '@micromart/testing/describe-kafka';
import { openTestKafka } from '@micromart/testing/kafka';
import { until } from '@micromart/testing/until';
import fc from 'fast-check';

const PARTITIONS = 4;
const EVENTS = 120;

/** This buffer detects no holes. */
jest.unstable_mockModule('@micromart/subscription/apply/reorder-buffer', () => ({
  ...reorderBuffer,
  createReorderBuffer(start: number) {
    const sound = reorderBuffer.createReorderBuffer(start);
    return Object.assign(Object.create(sound), {
      accept(events: Parameters<typeof sound.accept>[0]) {
        return events.reduce((fresh, event) => {
          sound.skipTo(reorderBuffer.sequenceOf(event) - 1);
          return fresh + sound.accept([event]);
        }, 0);
      },
    });
  },
}));

/** The fence would refuse events behind a hole, so this one compares no positions. */
jest.unstable_mockModule('@micromart/subscription/apply/fence', () => {
  const withoutComparing: typeof fence.fence = (subscription, moves) => ({
    text: `UPDATE subscription_positions p SET sequence = m.till FROM unnest($2::int[], $3::bigint[]) AS m (partition, till)
      WHERE p.subscription = $1 AND p.partition = m.partition`,
    values: [
      subscription,
      arrayLiteral(moves.map(({ partition }) => partition)),
      arrayLiteral(moves.map(({ to }) => to)),
    ],
  });
  return { ...fence, fence: withoutComparing };
});

const { openTestFollower } = await import('@micromart/subscription/testing/follower');
const { openTestKafkaTopic } = await import('./testing/kafka-source.ts');

describeKafka('following Kafka without detecting holes', () => {
  let kafka: KafkaCluster;
  beforeAll(async () => {
    kafka = await openTestKafka();
  }, 120_000);
  afterAll(() => kafka.close());

  test('counts wrong when events are lost and reordered', async () => {
    const follower = await openTestFollower();
    const topic = await openTestKafkaTopic(kafka, PARTITIONS);
    const source = createTestSource({ partitions: PARTITIONS });
    const [journey] = fc.sample(journeys(EVENTS), { seed: 20_261_122, numRuns: 1 });
    await topic.publish(source.log, travel(source.appendMany(EVENTS), journey!));
    const one = follower.start({ source, transport: topic.transport()!, limits: { graceMs: 300 } });
    await until(() => follower.hasCaughtUp(source));
    expect(await follower.differences(source)).not.toEqual([]);
    await one.close();
    await topic.close();
    await follower.close();
  });
});
