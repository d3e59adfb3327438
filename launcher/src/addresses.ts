/**
 * The addresses of the system that runs on a data folder: a file there, as long as the system runs. So a program that knows
 * the folder needs neither HOST nor PORT_BASE.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '@micromart/engines/write-atomically';

export type Addresses = {
  /** The URL of each process, by its name, without a path. */
  readonly services: Readonly<Record<string, string>>;
  /** Where `npm run demo` serves the feed of its import; the catalog may read from there. */
  readonly demoFeed: string;
};

const fileOf = (dataDir: string): string => join(dataDir, 'run', 'addresses.json');

export const writeAddresses = (dataDir: string, addresses: Addresses): Promise<void> =>
  writeAtomically(fileOf(dataDir), JSON.stringify(addresses), 0o600);

export const removeAddresses = (dataDir: string): Promise<void> => rm(fileOf(dataDir), { force: true });

/** Throws if no system runs on the data folder. */
export async function readAddresses(dataDir: string): Promise<Addresses> {
  const text = await readFile(fileOf(dataDir), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EACCES') throw new Error(`only the user who ran npm start can read ${dataDir}`);
    throw new Error(
      `no system runs on the data folder ${dataDir}; start it with npm start, and the same DATA_DIR`,
    );
  });
  return JSON.parse(text);
}
