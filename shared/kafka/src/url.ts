/** A topic of a Kafka cluster, and how to connect to it. */
export type KafkaTopic = {
  /** `host:port` of the brokers to connect to first; they know the others. */
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Present for encrypted connections (TLS) with a login by SCRAM-SHA-512. */
  readonly secure?: {
    readonly user: string;
    readonly password: string;
    /** The file of the brokers' certificate authority, unless the system trusts it already. */
    readonly caFile?: string | undefined;
  };
};

const DEFAULT_PORT = 9_092;
const MAX_PORT = 65_535;
const FORM = /^kafka(\+ssl)?:\/\/(?:(.*)@)?([^/@]+)\/([^/]*)$/;
/** A name or an IPv4 address, or an IPv6 address in brackets; then, maybe, a port. */
const BROKER = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?$/;
const TOPIC = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/;

/**
 * Reads `kafka://host:port,host:port/topic` or `kafka+ssl://user:password@host:port,host:port/topic`. The default port is
 * 9092; user and password may be percent-encoded. It reads the text itself, because `URL` allows only one host. Throws an
 * Error that says what is wrong and repeats nothing of the URL, which may contain a password.
 */
export function parseKafkaUrl(url: string, caFile?: string): KafkaTopic {
  const parts = FORM.exec(url);
  if (!parts) throw new Error('is not of the form kafka://host:port,host:port/topic');
  const [, ssl, login, hosts = '', topic = ''] = parts;
  if (!TOPIC.test(topic))
    throw new Error("does not end in a topic's name: 1 to 249 letters, digits, '.', '_' or '-'");
  const brokers = hosts.split(',').map(readBroker);
  if (ssl) return { brokers, topic, secure: { ...readLogin(login), caFile } };
  if (login !== undefined) throw new Error('would send its user unencrypted; begin it with kafka+ssl://');
  return { brokers, topic };
}

function readBroker(text: string): string {
  const [, host, digits] = BROKER.exec(text) ?? [];
  const port = Number(digits ?? DEFAULT_PORT);
  if (!host || port < 1 || port > MAX_PORT) throw new Error('must name its brokers as host:port,host:port');
  return `${host}:${port}`;
}

function readLogin(text = ''): { user: string; password: string } {
  const [, user, password] = /^([^:]+):(.+)$/.exec(text) ?? [];
  if (!user || !password) throw new Error('has no user:password@ before its brokers');
  try {
    return { user: decodeURIComponent(user), password: decodeURIComponent(password) };
  } catch {
    throw new Error('has a % in its user or password that encodes nothing; write it as %25');
  }
}
