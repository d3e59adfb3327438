/**
 * Describes a failure of Kafka in one line for the log and for readiness, with what to do when the settings are at fault. The
 * client wraps errors in errors, so it reads all of them, the innermost first. The client's own messages contain no secrets.
 */
import type { KafkaTopic } from './url.ts';

/** A topic with another number of partitions than the log, which cannot hold the log's events. */
export class WrongPartitions extends Error {
  override readonly name = 'WrongPartitions';
}

type Layer = { name: string; message: string; type?: unknown; code?: unknown };

/** Errors are read no deeper than this. */
const MAX_LAYERS = 10;
const MAX_LENGTH = 300;

const UNTRUSTED = /^(CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|ERR_TLS_)/;

/** What is wrong, as one line. */
export function describeFailure(error: unknown, topic: KafkaTopic): string {
  const layers = layersOf(error).reverse();
  const known = layers.map((layer) => meaningOf(layer, topic)).find((line) => line !== undefined);
  return known ?? (layers[0]?.message ?? String(error)).split('\n')[0]!.slice(0, MAX_LENGTH);
}

function meaningOf({ name, message, type, code }: Layer, topic: KafkaTopic): string | undefined {
  const { brokers, secure } = topic;
  const where = brokers.join(',');
  if (name === 'WrongPartitions') return message;
  if (name === 'KafkaJSSASLAuthenticationError')
    return `${where} does not accept the user ${secure?.user} with this password`;
  if (UNTRUSTED.test(String(code)))
    return `the certificate of ${where} is not trusted (${code}); set KAFKA_CA_FILE to the file of its certificate authority`;
  if (/_AUTHORIZATION_FAILED$/.test(String(type)))
    return `${secure ? `the user ${secure.user}` : 'an anonymous client'} has no permission for ${nameOf(topic)} (${type})`;
  if (type === 'INVALID_REPLICATION_FACTOR') return `fewer brokers are running than ${where} names`;
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') return `there is no ${nameOf(topic)}`;
  if (type === 'MESSAGE_TOO_LARGE')
    return `an event is larger than ${nameOf(topic)} accepts; raise its max.message.bytes`;
  if (name === 'KafkaJSConnectionClosedError' || message === 'Closed connection')
    return `${where} closes the connection${secure ? '' : '; brokers that require TLS need kafka+ssl://'}`;
  if (/^KafkaJS(ConnectionError|BrokerNotFound|NoBrokerAvailableError|RequestTimeoutError)$/.test(name))
    return `no broker answers at ${where}`;
  return undefined;
}

/** Whether this error, or one of those in it, is an answer of Kafka of this type. */
export const isOfType = (error: unknown, type: string): boolean =>
  layersOf(error).some((layer) => layer.type === type);

/** An error, and the errors in it, from the outside in. */
function layersOf(error: unknown, depth = 0): Layer[] {
  if (!(error instanceof Error) || depth === MAX_LAYERS) return [];
  const inner = [error.cause, ...((error as { errors?: unknown[] }).errors ?? [])];
  return [error, ...inner.flatMap((one) => layersOf(one, depth + 1))];
}

/** The topic and its brokers, without user and password. */
export const nameOf = ({ brokers, topic }: KafkaTopic): string => `topic ${topic} at ${brokers.join(',')}`;
