import { expect, test } from '@jest/globals';
import { unreadableCodings } from './content-codings.ts';

test.each([
  undefined,
  '',
  ' ',
  ',',
  ' , ,\t',
  'identity',
  'Identity',
  'IDENTITY, identity',
  'gzip',
  'GZip',
  'X-GZIP',
  ' gzip ',
  ',gzip,,',
  'identity, gzip',
  'aws-chunked',
  'AWS-Chunked',
  'aws-chunked,gzip',
  'gzip, ,aws-chunked,',
])('of %j nothing needs to be undone that the content does not tell', (header) => {
  expect(unreadableCodings(header)).toEqual([]);
});

test.each([
  ['br', ['br']],
  ['ZStd', ['zstd']],
  ['gzip, br', ['br']],
  ['deflate, identity,, compress', ['deflate', 'compress']],
  ['gzip;q=1', ['gzip;q=1']],
  ['gzipped', ['gzipped']],
])('of %j cannot be undone: %j', (header, codings) => {
  expect(unreadableCodings(header)).toEqual(codings);
});
