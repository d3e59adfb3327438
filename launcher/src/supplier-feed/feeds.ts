import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

export type Feed = { readonly type: string; readonly bytes: Buffer; readonly etag: string };

const NEWLINE = 0x0a;

/** The feeds that a supplier makes of one file of products (gzipped CSV without quoted cells), by their paths. */
export async function feedsOf(packed: Buffer): Promise<ReadonlyMap<string, Feed>> {
  const csv = await promisify(gunzip)(packed);
  return new Map([
    ['/products.csv', feed('text/csv; charset=utf-8', csv)],
    ['/products.csv.gz', feed('application/gzip', packed)],
    ['/products.ndjson', feed('application/x-ndjson', Buffer.from(toNdjson(csv.toString('utf8'))))],
  ]);
}

const feed = (type: string, bytes: Buffer): Feed => ({
  type,
  bytes,
  etag: `"${createHash('sha256').update(bytes).digest('base64url')}"`,
});

function toNdjson(csv: string): string {
  const [header, ...lines] = csv.split(/\r?\n/).filter((line) => line !== '');
  const columns = header!.split(',');
  return lines
    .map((line) => {
      const cells = line.split(',');
      const cell = (name: string) => cells[columns.indexOf(name)] || null;
      const product = {
        id: cell('product_id'),
        name: cell('name'),
        department: cell('department'),
        category: cell('category'),
        brand: cell('brand'),
        size: cell('size'),
        price: { amount: Number(cell('price_cents')), currency: 'USD' },
      };
      return `${JSON.stringify(product)}\n`;
    })
    .join('');
}

/** The offset of a line, the first being 1; the end if there are fewer lines. */
export function startOfLine(bytes: Buffer, line: number): number {
  let start = 0;
  for (let n = 1; n < line; n += 1) {
    const newline = bytes.indexOf(NEWLINE, start);
    if (newline < 0) return bytes.length;
    start = newline + 1;
  }
  return start;
}
