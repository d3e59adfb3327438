import { openPostgresStore } from './postgres.ts';
import type { CountStore } from './store.ts';

/** Opens the store that a URL names, and brings its schema up to date. `now` decides what is old enough to be swept. */
export function openStore(
  url: string,
  onError: (error: unknown) => void,
  now: () => Date = () => new Date(),
): Promise<CountStore> {
  if (/^postgres(ql)?:/.test(url)) return openPostgresStore(url, onError, now);
  throw new Error('STORE_URL must begin with postgres://');
}
