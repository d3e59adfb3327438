import pino, { type DestinationStream } from 'pino';

export type { Logger } from 'pino';
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** No line may show a password in a URL, a bearer token or a JWT, whatever was logged. */
const SECRETS: readonly [RegExp, string][] = [
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:@/"\\]*):[^\s/"\\]*@/gi, '$1:***@'],
  [/\b(Bearer|Basic) +[A-Za-z0-9._~+/-]+=*/gi, '$1 ***'],
  [/"(authorization|cookie|set-cookie|password|secret)":"(?:[^"\\]|\\.)*"/gi, '"$1":"***"'],
  [/\beyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g, '***'],
];

/** Logs lines of JSON to standard output (or `destination`), with secrets masked. */
export function createLogger({
  name,
  level,
  destination = pino.destination({ dest: 1, sync: true }),
}: {
  name: string;
  level: LogLevel;
  destination?: DestinationStream;
}): pino.Logger {
  return pino(
    {
      name,
      level,
      hooks: {
        streamWrite: (line) => SECRETS.reduce((text, [secret, stars]) => text.replace(secret, stars), line),
      },
    },
    destination,
  );
}
