/** `node bench/src/report.ts`: writes the table of bench/README.md from bench/results.json. */
import { readFile, writeFile } from 'node:fs/promises';
import { readResults } from './results.ts';
import { withTable } from './table.ts';

const page = new URL('../README.md', import.meta.url);
const results = await readResults(new URL('../results.json', import.meta.url));
await writeFile(page, withTable(await readFile(page, 'utf8'), results));
