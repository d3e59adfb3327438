import { openPostgresStore } from './postgres.ts';
import type { CartStore } from './store.ts';

/** Opens the store that a URL names, bringing its schema up to date. */
export function openStore(url: string, onError: (error: unknown) => void): Promise<CartStore> {
  if (/^postgres(ql)?:/.test(url)) return openPostgresStore(url, onError);
  throw new Error('STORE_URL must begin with postgres://');
}
