import { describe, expect, test } from '@jest/globals';
import { describeFailure, isOfType, WrongPartitions } from './failure.ts';
import { parseKafkaUrl } from './url.ts';

const open = parseKafkaUrl('kafka://b1,b2/events');
const secure = parseKafkaUrl('kafka+ssl://ann:hunter2@b1/events');

/** An error as the client creates it: `name` says its kind, `type` what Kafka answered. */
const failure = (
  name: string,
  fields: { type?: string; code?: string; cause?: unknown } = {},
  message = 'oh',
) => Object.assign(new Error(message), { name, ...fields });
const wrapped = (cause: unknown) => failure('KafkaJSNumberOfRetriesExceeded', { cause });

describe('a failure of Kafka is one line', () => {
  test.each([
    [
      'no broker',
      failure('KafkaJSConnectionError', { code: 'ECONNREFUSED' }),
      open,
      'no broker answers at b1:9092,b2:9092',
    ],
    ['a wrapped one', wrapped(wrapped(failure('KafkaJSConnectionError'))), open, 'no broker answers'],
    ['a wrong password', failure('KafkaJSSASLAuthenticationError'), secure, 'does not accept the user ann'],
    [
      'an unknown certificate',
      failure('KafkaJSConnectionError', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
      secure,
      'KAFKA_CA_FILE',
    ],
    [
      'no permission',
      failure('KafkaJSProtocolError', { type: 'TOPIC_AUTHORIZATION_FAILED' }),
      secure,
      'ann has no permission',
    ],
    [
      'no permission for anybody',
      failure('KafkaJSProtocolError', { type: 'GROUP_AUTHORIZATION_FAILED' }),
      open,
      'an anonymous client has no permission',
    ],
    [
      'a plain connection to a broker with TLS',
      failure('KafkaJSConnectionClosedError'),
      open,
      'need kafka+ssl://',
    ],
    [
      'a topic that is gone',
      failure('KafkaJSProtocolError', { type: 'UNKNOWN_TOPIC_OR_PARTITION' }),
      open,
      'there is no topic events',
    ],
    [
      'an event too large',
      failure('KafkaJSProtocolError', { type: 'MESSAGE_TOO_LARGE' }),
      open,
      'max.message.bytes',
    ],
    ['wrong partitions', new WrongPartitions('has 3'), open, 'has 3'],
    ['something else', failure('TypeError', {}, 'first\nsecond'), open, 'first'],
    ['no error at all', undefined, open, 'undefined'],
  ])('%s', (_, error, topic, line) => {
    const said = describeFailure(error, topic);
    expect(said).toContain(line);
    expect(said).not.toMatch(/\n|hunter2/);
  });

  test('that comes from the innermost error', () => {
    const aggregate = new AggregateError([
      failure('KafkaJSCreateTopicError', { type: 'INVALID_REPLICATION_FACTOR' }),
    ]);
    expect(isOfType(wrapped(aggregate), 'INVALID_REPLICATION_FACTOR')).toBe(true);
    expect(isOfType(wrapped(aggregate), 'TOPIC_ALREADY_EXISTS')).toBe(false);
    expect(describeFailure(wrapped(aggregate), open)).toContain('fewer brokers are running');
  });

  test('even when errors contain each other', () => {
    const error = failure('A', {}, 'a circle');
    error.cause = error;
    expect(describeFailure(error, open)).toBe('a circle');
  });
});
