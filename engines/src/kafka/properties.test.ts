import { describe, expect, test } from '@jest/globals';
import { serverProperties } from './properties.ts';

const ports = [1, 2, 3].map((id) => ({ broker: 9090 + 2 * id, controller: 9091 + 2 * id }));
const secure = { user: 'ann', password: 'p"a\\ss é', keystorePassword: 'key' };

const settings = (...given: Parameters<typeof serverProperties>): Record<string, string> =>
  Object.fromEntries(
    serverProperties(...given)
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

describe('the properties of a node', () => {
  test('let one broker work alone', () => {
    expect(settings(1, ports.slice(0, 1), undefined, {})).toMatchObject({
      'node.id': '1',
      'controller.quorum.voters': '1@127.0.0.1:9093',
      listeners: 'PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093',
      'advertised.listeners': 'PLAINTEXT://127.0.0.1:9092',
      'default.replication.factor': '1',
      'min.insync.replicas': '1',
    });
  });

  test('let three brokers know each other, keep three replicas, and acknowledge with two', () => {
    expect(settings(2, ports, undefined, {})).toMatchObject({
      'node.id': '2',
      'controller.quorum.voters': '1@127.0.0.1:9093,2@127.0.0.1:9095,3@127.0.0.1:9097',
      'advertised.listeners': 'PLAINTEXT://127.0.0.1:9094',
      'default.replication.factor': '3',
      'min.insync.replicas': '2',
      'offsets.topic.replication.factor': '3',
      'unclean.leader.election.enable': 'false',
    });
  });

  test('require TLS and a login on every listener when asked to', () => {
    const properties = settings(1, ports, secure, {});
    expect(properties['advertised.listeners']).toBe('SASL_SSL://127.0.0.1:9092');
    expect(properties.listeners).not.toContain('PLAINTEXT');
    expect(properties['sasl.enabled.mechanisms']).toBe('SCRAM-SHA-512');
  });

  test('contain a password as Java reads it: quoted for the login, escaped for the file, Latin-1', () => {
    const [line] = /^listener\.name.*$/m.exec(serverProperties(1, ports, secure, {}))!;
    expect(line).toContain(String.raw`password="p\\"a\\\\ss \u00e9";`);
  });

  test('prefer given settings to ours', () => {
    const given = { 'log.retention.ms': '1000', 'num.io.threads': '8' };
    expect(settings(1, ports, undefined, given)).toMatchObject(given);
  });
});
