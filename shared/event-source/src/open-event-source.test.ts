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

describe('the way by which events come', () => {
  test("is the owner's feed, and nothing else is needed then", () => {
    const { from, checks } = open('http://cart:4001/events');
    expect(from.transport).toBeUndefined();
    expect(checks).toEqual([]);
  });

  test.each(['kafka://b1:9092,b2:9092/cart-events', 'kafka+ssl://cart:hunter2@b1/cart-events'])(
    'is Kafka besides for %s, without which the service is only degraded',
    (url) => {
      const { from, checks } = open(url, 'http://cart:4001/events');
      expect(from.transport).toBeDefined();
      expect(checks).toMatchObject([{ name: 'kafka cart-events', optional: true }]);
    },
  );
});
