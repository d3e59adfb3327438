import { describe, expect, test } from '@jest/globals';
import type { LoggedEvent } from '@micromart/events/envelope';
import { testEvent } from '@micromart/subscription/testing/source';
import fc from 'fast-check';
import { inBatches, messageOf, type PublishedMessage, type ReceivedMessage, readMessage } from './message.ts';

const LOG = 'cart-3f2a9c1e';

/** A message as a consumer gets it, in bytes. */
const received = ({ key, value, headers }: PublishedMessage): ReceivedMessage => ({
  key: Buffer.from(key),
  value: Buffer.from(value),
  headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
  offset: '0',
});

describe("an event's message", () => {
  const event: LoggedEvent = {
    ...testEvent({ partition: 7, sequence: 1_234, key: 'ann' }),
    data: { n: 'ü' },
  };

  test('is a structured CloudEvent with the key of the event and its position in the headers', () => {
    const message = messageOf(LOG, event);
    expect(message.key).toBe('ann');
    expect(JSON.parse(message.value)).toEqual(event);
    expect(message.headers).toEqual({
      'content-type': 'application/cloudevents+json',
      log: LOG,
      partition: '7',
      sequence: '1234',
    });
  });

  test('is read back as the same event', () => {
    expect(readMessage(received(messageOf(LOG, event)))).toEqual({ log: LOG, event });
  });

  test.each<[string, Partial<ReceivedMessage>]>([
    ['without a value', { value: null }],
    ['without a log', { headers: {} }],
    ['without headers', { headers: undefined as never }],
    ['of no log', { headers: { log: Buffer.from('Cart!') } }],
    ['of text', { value: Buffer.from('hello') }],
    ['of another event', { value: Buffer.from('{"specversion":"0.3"}') }],
  ])('%s is not read as an event', (_, part) => {
    expect(readMessage({ ...received(messageOf(LOG, event)), ...part })).toBeUndefined();
  });
});

describe('batches', () => {
  const message = (length: number): PublishedMessage => ({
    key: 'k',
    value: 'v'.repeat(length),
    headers: {},
  });
  const bytesOf = (batch: readonly PublishedMessage[]) =>
    batch.reduce((total, { key, value }) => total + key.length + value.length, 0);

  test('keep all messages in their order, within the limits unless one message exceeds them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 60 })),
        fc.record({
          maxMessages: fc.integer({ min: 1, max: 5 }),
          maxBytes: fc.integer({ min: 1, max: 100 }),
        }),
        (lengths, limits) => {
          const messages = lengths.map(message);
          const batches = inBatches(messages, limits);
          expect(batches.flat()).toEqual(messages);
          for (const batch of batches) {
            expect(batch.length).toBeGreaterThan(0);
            expect(batch.length).toBeLessThanOrEqual(limits.maxMessages);
            if (batch.length > 1) expect(bytesOf(batch)).toBeLessThanOrEqual(limits.maxBytes);
          }
        },
      ),
    );
  });

  test('are filled one after the other, as far as the limits allow', () => {
    const sizes = inBatches([9, 9, 9, 50, 9].map(message), { maxMessages: 2, maxBytes: 40 }).map(
      ({ length }) => length,
    );
    expect(sizes).toEqual([2, 1, 1, 1]);
  });
});
