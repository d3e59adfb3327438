import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import { until } from '@micromart/testing/until';
import type { FeedMark } from '../feed.ts';
import { parseAllowedHosts } from '../feed-hosts.ts';
import { ndjsonFeed, openTestUpstream, type TestUpstream } from '../testing/upstream.ts';
import { IMPORT_LIMITS, type ImportLimits } from './limits.ts';
import { type FeedChunk, type FeedRow, openFeed } from './read-feed.ts';
import type { Resolve } from './request-feed.ts';

let upstream: TestUpstream | undefined;
afterEach(async () => {
  await upstream?.close();
  upstream = undefined;
});

const FEW: Partial<ImportLimits> = { chunkRows: 10 };
/** For addresses where no server may answer. */
const QUICK: Partial<ImportLimits> = { connectTimeoutMs: 500 };

type Reading = {
  readonly mark?: FeedMark;
  readonly limits?: Partial<ImportLimits>;
  readonly allowed?: readonly string[];
  readonly resolve?: Resolve;
  readonly signal?: AbortSignal;
  readonly waitedBeforeMs?: number;
  readonly onChunk?: (chunk: FeedChunk) => void;
};

async function read(
  url: string,
  {
    mark,
    limits,
    allowed = [upstream!.host],
    resolve,
    signal = new AbortController().signal,
    waitedBeforeMs = 0,
    onChunk,
  }: Reading = {},
) {
  const feed = await openFeed(url, mark, {
    allowed: parseAllowedHosts(allowed.join(','))!,
    limits: { ...IMPORT_LIMITS, ...FEW, ...limits },
    signal,
    waitedBeforeMs,
    ...(resolve && { resolve }),
  });
  const chunks: FeedChunk[] = [];
  try {
    for await (const chunk of feed.chunks) {
      chunks.push(chunk);
      onChunk?.(chunk);
    }
  } finally {
    feed.close();
  }
  return { isContinued: feed.isContinued, chunks, rows: chunks.flatMap(({ rows }) => rows) };
}

const names = (rows: readonly FeedRow[]) =>
  rows.map((row) => ('product' in row ? row.product.id : row.message));

describe('a feed is read', () => {
  test('in chunks, with the position after each', async () => {
    upstream = await openTestUpstream(ndjsonFeed(25));
    const { chunks, isContinued } = await read(upstream.url);
    expect(isContinued).toBe(false);
    expect(chunks.map(({ rows, isLast }) => [rows.length, isLast])).toEqual([
      [10, false],
      [10, false],
      [5, true],
    ]);
    expect(chunks.at(-1)!.mark).toMatchObject({ line: 25, offset: upstream.file.length });
    expect(chunks.at(-1)!.bytes).toBe(upstream.file.length);
  });

  test('as CSV, compressed, with carriage returns, a byte order mark and empty lines', async () => {
    const csv =
      '\uFEFFproduct_id,name,department,category,brand,size,price_cents\r\n\r\n1,Tea,,,,,250\r\n2,Ink,,,,,9';
    upstream = await openTestUpstream(gzipSync(csv));
    const { chunks, rows } = await read(upstream.url);
    expect(rows).toMatchObject([
      { row: 3, product: { id: '1', price: { amount: 250 } } },
      { row: 4, product: { id: '2' } },
    ]);
    expect(chunks[0]!.mark).toMatchObject({ line: 4, offset: null, format: { kind: 'csv' } });
  });

  test('past unreadable lines', async () => {
    const lines = ndjsonFeed(3).split('\n');
    const bad = Buffer.from([0x7b, 0xff, 0x7d]);
    const file = [lines[0]!, '{"id":', `{"x":"${'y'.repeat(70_000)}"}`, lines[1]!];
    upstream = await openTestUpstream(Buffer.concat([Buffer.from(`${file.join('\n')}\n`), bad]));
    const { rows } = await read(upstream.url);
    expect(names(rows)).toEqual([
      'p0',
      'is not valid JSON',
      'is too long, or is not UTF-8',
      'p1',
      'is too long, or is not UTF-8',
    ]);
    expect(rows.map(({ row }) => row)).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('whatever coding its host names, a feed is read', () => {
  const FILES = { plain: Buffer.from(ndjsonFeed(25)), packed: gzipSync(ndjsonFeed(25)) };
  const CODINGS = [
    '',
    ',',
    'identity',
    'Identity',
    'gzip',
    'GZIP',
    ', x-gzip ,',
    'aws-chunked',
    'aws-chunked, gzip',
  ];

  test.each(CODINGS.flatMap((coding) => [['plain', coding] as const, ['packed', coding] as const]))(
    '%s, under the name %j',
    async (kind, coding) => {
      upstream = await openTestUpstream(FILES[kind], { headers: { 'content-encoding': coding } });
      const { chunks, rows } = await read(upstream.url);
      expect(rows).toHaveLength(25);
      const rest = await read(upstream.url, { mark: chunks[1]!.mark });
      expect([rest.isContinued, rest.rows.length]).toEqual([true, 5]);
    },
  );

  test('but not with any other coding, which the error names', async () => {
    upstream = await openTestUpstream('x', { headers: { 'content-encoding': 'gzip, BR' } });
    await expect(read(upstream.url)).rejects.toMatchObject({
      fault: 'feed-unreadable',
      message: expect.stringContaining('br'),
    });
  });
});

describe('a feed is continued', () => {
  const half = async (): Promise<FeedMark> => (await read(upstream!.url)).chunks[1]!.mark;
  const rest = Array.from({ length: 5 }, (_, n) => `p${n + 20}`);

  test('by requesting the rest', async () => {
    upstream = await openTestUpstream(ndjsonFeed(25));
    const mark = await half();
    const { isContinued, rows } = await read(upstream.url, { mark });
    expect(isContinued).toBe(true);
    expect(names(rows)).toEqual(rest);
    expect(rows[0]!.row).toBe(21);
    expect(upstream.served.at(-1)).toEqual({ from: mark.offset, ranged: true });
  });

  test('at its end, with nothing left', async () => {
    upstream = await openTestUpstream(ndjsonFeed(25));
    const { mark } = (await read(upstream.url)).chunks[2]!;
    const { isContinued, rows } = await read(upstream.url, { mark });
    expect([isContinued, rows]).toEqual([true, []]);
  });

  test.each([
    ['the host knows no ranges', { rangeless: true }],
    ['its tag is a weak one', { etag: 'W/"1"' }],
  ])('from the start, passing over what was read, where %s', async (_, manners) => {
    upstream = await openTestUpstream(ndjsonFeed(25), manners);
    const { isContinued, rows } = await read(upstream.url, { mark: await half() });
    expect(isContinued).toBe(true);
    expect(names(rows)).toEqual(rest);
    expect(upstream.served.at(-1)).toEqual({ from: 0, ranged: false });
  });

  test('from the start, skipping what was read, if it is compressed', async () => {
    upstream = await openTestUpstream(gzipSync(ndjsonFeed(25)));
    const { isContinued, rows } = await read(upstream.url, { mark: await half() });
    expect(isContinued).toBe(true);
    expect(names(rows)).toEqual(rest);
  });

  test.each([
    ['it has changed', {}],
    ['it has no validator', { etag: null }],
  ])('from the start as a new one where %s', async (_, manners) => {
    upstream = await openTestUpstream(ndjsonFeed(25), manners);
    const mark = await half();
    upstream.file = Buffer.from(ndjsonFeed(24));
    const { isContinued, rows } = await read(upstream.url, { mark });
    expect(isContinued).toBe(false);
    expect(rows).toHaveLength(24);
  });
});

describe('a feed fails', () => {
  test.each([
    ['that is not there', 'upstream-refused', { status: 404 }],
    ['whose host has trouble', 'upstream-away', { status: 503 }],
    ['that breaks off', 'upstream-away', { cutAt: 700 }],
  ] as const)('%s: %s', async (_, fault, manners) => {
    upstream = await openTestUpstream(ndjsonFeed(25), manners);
    await expect(read(upstream.url)).rejects.toMatchObject({ fault });
  });

  test.each([
    ['that stops in the middle', 700],
    ['that never begins', 0],
  ])('%s: upstream-away, after a while', async (_, stallAt) => {
    upstream = await openTestUpstream(ndjsonFeed(25), { stallAt });
    await expect(read(upstream.url, { limits: { silenceTimeoutMs: 200 } })).rejects.toMatchObject({
      fault: 'upstream-away',
      message: expect.stringContaining('200 ms'),
    });
  });

  test.each([
    ['that is empty', 'feed-unreadable', Buffer.from('\n')],
    ['that is a page', 'feed-unreadable', Buffer.from('<!doctype html>\n')],
    ['that is damaged', 'feed-unreadable', damaged(gzipSync(ndjsonFeed(2_000)))],
    ['that is packed and ends early', 'feed-unreadable', gzipSync(ndjsonFeed(2_000)).subarray(0, 9_000)],
  ])('%s: %s', async (_, fault, file) => {
    upstream = await openTestUpstream(file);
    await expect(read(upstream.url)).rejects.toMatchObject({ fault });
  });

  test.each([
    ['the end of whose check sum is wrong', (file: Buffer) => file.with(file.length - 5, file.at(-5)! ^ 1)],
    ['that lacks its last byte', (file: Buffer) => file.subarray(0, -1)],
    ['that lacks its check sum', (file: Buffer) => file.subarray(0, -8)],
    [
      'behind whose last member another begins and is broken',
      (file: Buffer) => Buffer.concat([file, file.subarray(0, 30)]),
    ],
  ])('%s, with every line before the damage given, and its number said', async (_, damage) => {
    upstream = await openTestUpstream(Buffer.from(damage(gzipSync(ndjsonFeed(1_225)))));
    const seen: FeedChunk[] = [];
    await expect(
      read(upstream.url, { limits: { chunkRows: 50 }, onChunk: (chunk) => seen.push(chunk) }),
    ).rejects.toMatchObject({
      fault: 'feed-unreadable',
      message: expect.stringMatching(/^The compressed file .*line 1225\.$/),
    });
    expect(seen.flatMap(({ rows }) => names(rows))).toEqual(Array.from({ length: 1_225 }, (_, n) => `p${n}`));
    expect(seen.at(-1)).toMatchObject({ isLast: false, mark: { line: 1_225 } });
  });

  test('if no server listens', async () => {
    upstream = await openTestUpstream('x');
    await upstream.close();
    const { url, host } = upstream;
    upstream = undefined;
    await expect(read(url, { allowed: [host] })).rejects.toMatchObject({ fault: 'upstream-away' });
  });

  test('that never ends, once it is too large, while no more than a line of it is held', async () => {
    const endless = createServer((_, response) => {
      const more = () => {
        while (response.write(Buffer.alloc(65_536, 'x')));
      };
      response.on('drain', more);
      more();
    });
    endless.listen(0, '127.0.0.1');
    await once(endless, 'listening');
    const host = `127.0.0.1:${(endless.address() as AddressInfo).port}`;
    try {
      await expect(
        read(`http://${host}/`, { allowed: [host], limits: { maxBytes: 20_000_000 } }),
      ).rejects.toMatchObject({ fault: 'feed-too-large' });
    } finally {
      endless.closeAllConnections();
      endless.close();
    }
  });

  test('that is small and decompresses to too much', async () => {
    upstream = await openTestUpstream(gzipSync(Buffer.alloc(30_000_000)));
    expect(upstream.file.length).toBeLessThan(100_000);
    await expect(read(upstream.url, { limits: { maxUnpackedBytes: 20_000_000 } })).rejects.toMatchObject({
      fault: 'feed-too-large',
    });
  });

  test.each([0, 1_000, 1_804])(
    'without a length if its connection is reset after %d bytes',
    async (cutAt) => {
      upstream = await openTestUpstream(ndjsonFeed(25), { lengthless: true, cutAt });
      expect(upstream.file.length).toBe(1_805);
      await expect(read(upstream.url)).rejects.toMatchObject({ fault: 'upstream-away' });
    },
  );

  test('only then: one without a length is complete when its connection closes', async () => {
    upstream = await openTestUpstream(ndjsonFeed(25), { lengthless: true });
    expect((await read(upstream.url)).rows).toHaveLength(25);
  });

  test.each([
    ['before its first line', 0],
    ['in its middle', 1_500],
  ])('with the reason of its abort %s, without a length', async (_, stallAt) => {
    upstream = await openTestUpstream(ndjsonFeed(25), { lengthless: true, stallAt });
    const stop = new AbortController();
    const reason = new Error('no longer wanted');
    const reading = read(upstream.url, { signal: stop.signal });
    await until(() => upstream!.served.length === 1);
    setImmediate(() => stop.abort(reason));
    await expect(reading).rejects.toBe(reason);
  });

  test('that arrives too slowly', async () => {
    const drips = { pace: { bytes: 10, pauseMs: 5 } };
    const limits = { rateWindowMs: 200, minWindowBytes: 5_000 };
    upstream = await openTestUpstream(ndjsonFeed(2_000), drips);
    await expect(read(upstream.url, { limits })).rejects.toMatchObject({
      fault: 'upstream-away',
      message: expect.stringContaining('5000'),
    });
  });

  test('that let the worker wait too long, over all readings', async () => {
    upstream = await openTestUpstream(ndjsonFeed(2_000), { pace: { bytes: 500, pauseMs: 5 } });
    await expect(read(upstream.url, { limits: { maxWaitMs: 200 } })).rejects.toMatchObject({
      fault: 'upstream-too-slow',
    });
    const waitedBeforeMs = 60_000;
    await expect(
      read(upstream.url, { waitedBeforeMs, limits: { maxWaitMs: waitedBeforeMs } }),
    ).rejects.toMatchObject({ fault: 'upstream-too-slow' });
  });

  test('with the reason of its abort', async () => {
    upstream = await openTestUpstream(ndjsonFeed(25), { stallAt: 1_500 });
    const stop = new AbortController();
    const reason = new Error('no longer wanted');
    const reading = read(upstream.url, { signal: stop.signal, onChunk: () => stop.abort(reason) });
    await expect(reading).rejects.toBe(reason);
  });
});

function damaged(file: Buffer): Buffer {
  return Buffer.concat([file.subarray(0, 5_000), Buffer.alloc(200, 7), file.subarray(5_200)]);
}

describe('a redirect', () => {
  /** Redirects `/` to a text of bytes, and answers everything else with a feed. */
  async function openRedirecting(location: Buffer) {
    const asked: string[] = [];
    const server = createServer(({ url = '' }, response) => {
      asked.push(url);
      if (url === '/') response.writeHead(302, { location: location.toString('latin1') }).end();
      else response.end(ndjsonFeed(1));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const close = async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    };
    return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked, close };
  }

  test.each([
    ['UTF-8', Buffer.from('/größe/商品.ndjson?q=é'), '/gr%C3%B6%C3%9Fe/%E5%95%86%E5%93%81.ndjson?q=%C3%A9'],
    ['ISO 8859-1', Buffer.from('/größe', 'latin1'), '/gr%F6%DFe'],
    ['ASCII', Buffer.from('/a%20b?c=%C3%A9'), '/a%20b?c=%C3%A9'],
  ])('in bytes of %s is followed to where these bytes lead', async (_, location, path) => {
    const server = await openRedirecting(location);
    try {
      const { rows } = await read(`http://${server.host}/`, { allowed: [server.host] });
      expect([rows.length, server.asked]).toEqual([1, ['/', path]]);
    } finally {
      await server.close();
    }
  });

  test('to a name in UTF-8 is compared with the list by its encoded name', async () => {
    const server = await openRedirecting(Buffer.from('http://bücher.example/feed'));
    try {
      await expect(read(`http://${server.host}/`, { allowed: [server.host] })).rejects.toMatchObject({
        fault: 'address-refused',
        message: expect.stringContaining('xn--bcher-kva.example:80'),
      });
    } finally {
      await server.close();
    }
  });
});

describe('only allowed addresses are reached', () => {
  /** Listens on loopback, and counts connections. */
  async function openCanary() {
    let reached = 0;
    const server = createServer((_, response) => response.end(ndjsonFeed(1)));
    server.on('connection', () => {
      reached += 1;
    });
    server.listen(0, '0.0.0.0');
    await once(server, 'listening');
    const close = async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    };
    return { port: (server.address() as AddressInfo).port, reached: () => reached, close };
  }

  const LOOPBACK_URLS = [
    '127.0.0.1',
    '127.0.0.1.',
    '127.1',
    '127.0.1',
    '127.255.0.1',
    '2130706433',
    '017700000001',
    '0177.0.0.1',
    '0177.0.0.01',
    '0x7f000001',
    '0x7f.0.0.1',
    '0x7F.1',
    '127.0.0x0.1',
    '0',
    '0.0.0.0',
    '%31%32%37.0.0.1',
    '127%2e0%2e0%2e1',
    '１２７.０.０.１',
    '①②⑦.⓪.⓪.①',
    '127。0。0。1',
    'localhost',
    'LOCALHOST',
    'localhost.',
    'ⓛocalhost',
    'user@127.0.0.1',
    'feeds.example@127.0.0.1',
    'feeds.example:80@127.0.0.1',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[::]',
    '[::127.0.0.1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::ffff:0:127.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[fe80::1]',
    '[fe80::1%25lo]',
    '[fe80::1%lo]',
  ];
  const LOOPBACK_ADDRESSES = [
    ...['127.0.0.1', '127.1.2.3', '0.0.0.0', '10.0.0.1', '169.254.169.254', '192.168.0.1', '100.64.0.1'],
    ...['::1', '::', '::127.0.0.1', '::ffff:127.0.0.1', '::ffff:7f00:1', '64:ff9b::7f00:1', 'fe80::1%lo'],
    ...['127.1', '2130706433', 'localhost', ''],
  ];

  test.each(LOOPBACK_URLS)('never http://%s', async (host) => {
    const canary = await openCanary();
    try {
      const asked = read(`http://${host}:${canary.port}/`, {
        allowed: ['feeds.example:80', `feeds.example:${canary.port}`],
      });
      await expect(asked).rejects.toMatchObject({ fault: 'address-refused' });
      expect(canary.reached()).toBe(0);
    } finally {
      await canary.close();
    }
  });

  test.each(['[::1]', '[::ffff:127.0.0.1]', '[64:ff9b::7f00:1]', '[::]'])(
    'never %s, even if the list has another of its names',
    async (host) => {
      const canary = await openCanary();
      try {
        const { port } = canary;
        const listed = host === '[::1]' ? `[::2]:${port}` : `${host}:${port}`;
        await expect(read(`http://${host}:${port}/`, { allowed: [listed], limits: QUICK })).rejects.toThrow();
        expect(canary.reached()).toBe(0);
      } finally {
        await canary.close();
      }
    },
  );

  test.each(LOOPBACK_ADDRESSES)('never %j, even if a listed name leads there', async (address) => {
    const canary = await openCanary();
    try {
      const asked = read(`http://feeds.example:${canary.port}/`, {
        allowed: [`feeds.example:${canary.port}`],
        resolve: async () => [{ address, family: address.includes(':') ? 6 : 4 }],
      });
      await expect(asked).rejects.toMatchObject({ fault: 'address-refused' });
      expect(canary.reached()).toBe(0);
    } finally {
      await canary.close();
    }
  });

  test.each(LOOPBACK_URLS)('never http://%s, even if an allowed host redirects there', async (host) => {
    const canary = await openCanary();
    try {
      upstream = await openTestUpstream('x', { redirectTo: `http://${host}:${canary.port}/` });
      await expect(read(upstream.url)).rejects.toThrow();
      expect(canary.reached()).toBe(0);
    } finally {
      await canary.close();
    }
  });

  test('also when a second look-up of the name would lead elsewhere', async () => {
    const canary = await openCanary();
    const answers = ['127.0.0.2', '127.0.0.1'];
    const asked: string[] = [];
    const listed = createServer((_, response) => response.end(ndjsonFeed(3)));
    listed.listen(0, '127.0.0.2');
    await once(listed, 'listening');
    const { port } = listed.address() as AddressInfo;
    try {
      const { rows } = await read(`http://feeds.example:${port}/`, {
        allowed: [`feeds.example:${port}`, `127.0.0.2:${port}`],
        resolve: async (name) => {
          asked.push(name);
          return [{ address: answers[asked.length - 1]!, family: 4 }];
        },
      });
      expect(rows).toHaveLength(3);
      expect(asked).toEqual(['feeds.example']);
      expect(canary.reached()).toBe(0);
    } finally {
      listed.closeAllConnections();
      listed.close();
      await canary.close();
    }
  });

  test('by several addresses of a name, of which only the allowed ones are used', async () => {
    upstream = await openTestUpstream(ndjsonFeed(3));
    const port = upstream.host.split(':')[1];
    const { rows } = await read(`http://feeds.example:${port}/`, {
      allowed: [`feeds.example:${port}`, upstream.host],
      resolve: async () => [
        { address: '127.0.0.9', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ],
    });
    expect(rows).toHaveLength(3);
  });

  test('and the number of redirects has a limit', async () => {
    upstream = await openTestUpstream('x');
    upstream.manners = { redirectTo: upstream.url };
    await expect(read(upstream.url)).rejects.toMatchObject({ fault: 'upstream-refused' });
  });
});
