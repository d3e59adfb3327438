import { describe, expect, test } from '@jest/globals';
import { readConfig, serviceSettings } from '@micromart/service/config';
import { problemsOf } from '@micromart/service/testing/problems-of';
import { z } from 'zod';
import { eventsUrl, feedUrl, needsFeed, readyMaxLagMs } from './settings.ts';

const schema = z
  .object({
    ...serviceSettings,
    CART_EVENTS_URL: eventsUrl,
    CART_FEED_URL: feedUrl,
    READY_MAX_LAG_MS: readyMaxLagMs,
  })
  .refine(...needsFeed('CART_EVENTS_URL', 'CART_FEED_URL'));

const env = {
  PORT: '4001',
  CART_EVENTS_URL: 'http://127.0.0.1:4001/events',
  AUTH_JWKS: '/run/jwks.json',
  AUTH_ISSUER: 'https://issuer.test',
  AUTH_AUDIENCE: 'micromart',
};

describe('settings of a follower', () => {
  test.each([
    ['CART_EVENTS_URL', 'http://user:hunter2@127.0.0.1/events'],
    ['CART_EVENTS_URL', 'hunter2'],
    ['CART_EVENTS_URL', 'kafka://cart:hunter2@127.0.0.1/cart-events'],
    ['CART_EVENTS_URL', 'kafka+ssl://cart:hunter2@127.0.0.1'],
    ['CART_FEED_URL', 'http://cart:hunter2@127.0.0.1/events'],
  ])('never repeat the value of %s', (name, value) => {
    const message = problemsOf(schema, { ...env, [name]: value });
    expect(message).toContain(name);
    expect(message).not.toContain('hunter2');
  });

  test.each(['kafka://127.0.0.1:9092/cart-events', 'kafka+ssl://cart:hunter2@b1:9093,b2:9093/cart-events'])(
    'accept %s for events, together with the feed',
    (CART_EVENTS_URL) => {
      const CART_FEED_URL = env.CART_EVENTS_URL;
      expect(readConfig(schema, { ...env, CART_EVENTS_URL, CART_FEED_URL })).toMatchObject({
        CART_EVENTS_URL,
        CART_FEED_URL,
      });
    },
  );

  test('require the feed for events from Kafka, and report it with all other errors', () => {
    const message = problemsOf(schema, {
      ...env,
      PORT: 'x',
      CART_EVENTS_URL: 'kafka://127.0.0.1:9092/cart-events',
    });
    expect(message).toContain('  PORT: ');
    expect(message).toContain(
      "  CART_FEED_URL: is not set; give http://host:port/events, the owner's feed, for",
    );
  });
});
