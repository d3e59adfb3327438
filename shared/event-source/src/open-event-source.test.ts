import { describe, expect, test } from '@jest/globals';
import { testLogger as logger } from '@micromart/subscription/testing/follower';
import { openEventSource } from './open-event-source.ts';

const open = (eventsUrl: string, feedUrl?: string) =>
  openEventSource({
    eventsUrl,
    feedUrl,
    kafkaCaFile: undefined,
    group: 'g',
    instance: 'i',
    token: async () => 't',
    logger,
  });

describe('the source of events', () => {
  test("is the owner's feed alone for its URL", () => {
    const { from, checks } = open('http://cart:4001/events');
    expect(from.transport).toBeUndefined();
    expect(checks).toEqual([]);
  });

  test.each(['kafka://b1:9092,b2:9092/cart-events', 'kafka+ssl://cart:hunter2@b1/cart-events'])(
    'is the feed and Kafka for %s, and without Kafka the service is only degraded',
    (url) => {
      const { from, checks } = open(url, 'http://cart:4001/events');
      expect(from.transport).toBeDefined();
      expect(checks).toMatchObject([{ name: 'kafka cart-events', optional: true }]);
    },
  );
});
