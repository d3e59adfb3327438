import { expect, test } from '@jest/globals';
import { createProductSearch } from './product-search.ts';

type Answer = Awaited<ReturnType<Parameters<typeof createProductSearch>[0]['client']['get']>>;

const asked: string[] = [];

const searchAnswering = (answer: Partial<Answer> | Error) =>
  createProductSearch({
    client: {
      async get(url) {
        asked.push(url);
        if (answer instanceof Error) throw answer;
        return { headers: {}, ageMs: 0, ...answer } as Answer;
      },
    },
    catalogUrl: 'http://catalog.example/',
    token: async () => 'token',
  });

test('gives the ids that the catalog finds, and whether there are more', async () => {
  const items = [{ id: '1', name: 'Tea' }, { id: '2' }];
  const more = { status: 200, text: JSON.stringify({ items, next: 'on' }) };
  expect(await searchAnswering(more)('grüner tee & co')).toEqual({ ids: ['1', '2'], isWhole: false });
  expect(asked.at(-1)).toBe('http://catalog.example/products?limit=1000&q=gr%C3%BCner%20tee%20%26%20co');
  const all = { status: 200, text: JSON.stringify({ items: [], next: null }) };
  expect(await searchAnswering(all)('tea')).toEqual({ ids: [], isWhole: true });
});

test('finds nothing by words that the catalog takes for none', async () => {
  expect(await searchAnswering({ status: 400, text: '{}' })('--')).toEqual({ ids: [], isWhole: true });
});

test.each([
  ['is unavailable', { status: 503, text: '' }],
  ['refuses the token', { status: 401, text: '{}' }],
  ['is a page of somebody between', { status: 200, text: '<html>' }],
  ['has another shape', { status: 200, text: '{"items":[{"id":"../x"}],"next":null}' }],
  ['cannot be reached', new Error('refused')],
])('says that it knows nothing where the catalog %s', async (_, answer) => {
  expect(await searchAnswering(answer)('tea')).toBeUndefined();
});
