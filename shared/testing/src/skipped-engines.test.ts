import { expect, test } from '@jest/globals';
import { describeSkipped } from './skipped-engines.ts';
import { titleOfSkipped } from './skipped-title.ts';

const skipped = (title: string, engine: string) => ({
  status: 'pending',
  ancestorTitles: [titleOfSkipped({ title, engine, whyNot: `install ${engine} (on foot)` }), 'deeper'],
});
const resultsOf = (...files: { status: string; ancestorTitles: string[] }[][]) => ({
  testResults: files.map((testResults) => ({ testResults })),
});

test('names each missing engine once, with the reason and the skipped suites', () => {
  const results = resultsOf(
    [skipped('a relay', 'Kafka'), skipped('a relay', 'Kafka'), skipped('a log', 'MongoDB')],
    [skipped('life on Mars', 'Kafka'), { status: 'passed', ancestorTitles: ['a cart'] }],
  );
  expect(describeSkipped(results)).toBe(`
Skipped, because their engines are missing:
  Kafka: install Kafka (on foot)
    a relay (2), life on Mars (1)
  MongoDB: install MongoDB (on foot)
    a log (1)
`);
});

test('says nothing when no engine was missing', () => {
  const passed = { status: 'passed', ancestorTitles: ['a cart'] };
  const leftOut = { status: 'pending', ancestorTitles: ['a cart on wheels', 'when it rains'] };
  expect(describeSkipped(resultsOf([passed, leftOut]))).toBe('');
});
