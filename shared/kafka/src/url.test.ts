import { describe, expect, test } from '@jest/globals';
import { parseKafkaUrl } from './url.ts';

describe("Kafka's URL", () => {
  test('names a topic and any number of brokers', () => {
    expect(parseKafkaUrl('kafka://b1:9092,b2:9093,10.0.0.3:9094/cart-events')).toEqual({
      brokers: ['b1:9092', 'b2:9093', '10.0.0.3:9094'],
      topic: 'cart-events',
    });
  });

  test.each([
    ['kafka://broker/t', 'broker:9092'],
    ['kafka://[::1]:9093/t', '[::1]:9093'],
  ])('%s names the broker %s', (url, broker) => {
    expect(parseKafkaUrl(url).brokers).toEqual([broker]);
  });

  test('contains a login, decoded, and keeps the file of the certificate authority', () => {
    expect(parseKafkaUrl('kafka+ssl://cart:p%40ss%3Aword%2F@b1:9093,b2/events', '/ca.pem')).toEqual({
      brokers: ['b1:9093', 'b2:9092'],
      topic: 'events',
      secure: { user: 'cart', password: 'p@ss:word/', caFile: '/ca.pem' },
    });
  });

  test('may contain a plain @ in its password', () => {
    expect(parseKafkaUrl('kafka+ssl://cart:p@ss@b1/events').secure?.password).toBe('p@ss');
  });

  test.each([
    ['http://b1/events', 'is not of the form'],
    ['kafka://b1', 'is not of the form'],
    ['kafka:///events', 'is not of the form'],
    ['kafka://b1/', "does not end in a topic's name"],
    ['kafka://b1/..', "does not end in a topic's name"],
    ['kafka://b1/cart events', "does not end in a topic's name"],
    ['kafka://b1,/events', 'must name its brokers'],
    ['kafka://b1:0/events', 'must name its brokers'],
    ['kafka://b1:65536/events', 'must name its brokers'],
    ['kafka://::1/events', 'must name its brokers'],
    ['kafka://cart:hunter2@b1/events', 'unencrypted'],
    ['kafka+ssl://b1/events', 'has no user:password@'],
    ['kafka+ssl://cart@b1/events', 'has no user:password@'],
    ['kafka+ssl://cart:hunter2%@b1/events', 'write it as %25'],
  ])('%s is refused without repeating its password', (url, message) => {
    expect(() => parseKafkaUrl(url)).toThrow(message);
    expect(() => parseKafkaUrl(url)).not.toThrow('hunter2');
  });
});
