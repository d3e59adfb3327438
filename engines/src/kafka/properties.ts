/**
 * The settings of a node that is broker and controller in one (KRaft), sized for a development machine. Three nodes keep three
 * replicas of everything and fail over within seconds.
 */
export type NodePorts = { readonly broker: number; readonly controller: number };

/** A user who may log in with SCRAM-SHA-512; the brokers log in to each other with it too. */
export type KafkaUser = { readonly user: string; readonly password: string };

export type SecureListener = KafkaUser & { readonly keystorePassword: string };

export const HOST = '127.0.0.1';

/** In a node's own folder, in which its process runs. */
export const LOG_FOLDER = 'log';
/** In the cluster's folder, one level above. */
export const KEYSTORE = 'keystore.p12';
export const CERTIFICATE = 'ca.pem';

type Settings = Readonly<Record<string, string | number>>;

/** The text of a node's properties file (java.util.Properties). `more` replaces our settings. */
export function serverProperties(
  id: number,
  ports: readonly NodePorts[],
  secure: SecureListener | undefined,
  more: Settings,
): string {
  const settings = {
    ...nodeSettings(id, ports, secure ? 'SASL_SSL' : 'PLAINTEXT'),
    ...SMALL,
    ...(ports.length > 1 ? REPLICATED : ALONE),
    ...(secure && secureSettings(secure)),
    ...more,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${escapeValue(String(value))}\n`)
    .join('');
}

const nodeSettings = (id: number, ports: readonly NodePorts[], listener: string): Settings => {
  const { broker, controller } = ports[id - 1]!;
  return {
    'process.roles': 'broker,controller',
    'node.id': id,
    'controller.quorum.voters': ports.map((one, index) => `${index + 1}@${HOST}:${one.controller}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    listeners: `${listener}://${HOST}:${broker},CONTROLLER://${HOST}:${controller}`,
    'advertised.listeners': `${listener}://${HOST}:${broker}`,
    'inter.broker.listener.name': listener,
    'listener.security.protocol.map': `CONTROLLER:PLAINTEXT,${listener}:${listener}`,
    'log.dirs': LOG_FOLDER,
  };
};

const SMALL: Settings = {
  'num.network.threads': 2,
  'num.io.threads': 2,
  'offsets.topic.num.partitions': 3,
  'transaction.state.log.num.partitions': 3,
  'group.initial.rebalance.delay.ms': 0,
  // A topic is created with the partitions that it needs, never by a reader that asks for it too early.
  'auto.create.topics.enable': 'false',
  'log.segment.bytes': 16_777_216,
  // The default does not fit into a small heap.
  'log.cleaner.dedupe.buffer.size': 4_194_304,
  'log.cleaner.threads': 1,
  // How soon a killed broker counts as lost, and may be restarted.
  'broker.session.timeout.ms': 3_000,
  'broker.heartbeat.interval.ms': 500,
};

const replication = (factor: number, least: number): Settings => ({
  'default.replication.factor': factor,
  'min.insync.replicas': least,
  'offsets.topic.replication.factor': factor,
  'transaction.state.log.replication.factor': factor,
  'transaction.state.log.min.isr': least,
  'share.coordinator.state.topic.replication.factor': factor,
  'share.coordinator.state.topic.min.isr': least,
});

const ALONE = replication(1, 1);

const REPLICATED: Settings = {
  ...replication(3, 2),
  'unclean.leader.election.enable': 'false',
  'controller.quorum.election.timeout.ms': 500,
  'controller.quorum.fetch.timeout.ms': 1_000,
};

const secureSettings = ({ user, password, keystorePassword }: SecureListener): Settings => ({
  'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
  'sasl.mechanism.inter.broker.protocol': 'SCRAM-SHA-512',
  'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config':
    'org.apache.kafka.common.security.scram.ScramLoginModule required ' +
    `username="${escapeQuoted(user)}" password="${escapeQuoted(password)}";`,
  'ssl.keystore.type': 'PKCS12',
  'ssl.keystore.location': `../${KEYSTORE}`,
  'ssl.keystore.password': keystorePassword,
  'ssl.truststore.type': 'PEM',
  'ssl.truststore.location': `../${CERTIFICATE}`,
});

const escapeQuoted = (text: string): string => text.replace(/["\\]/g, '\\$&');

/** Java reads the file as Latin-1, a backslash begins an escape, and leading blanks are dropped. */
const escapeValue = (text: string): string =>
  text
    .replaceAll('\\', '\\\\')
    .replace(/^ |[^ -~]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
