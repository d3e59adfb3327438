import { expect, test } from '@jest/globals';
import type { Found } from './change-events.ts';
import { createRecentChanges } from './recent-changes.ts';

const found = (id: string, products: Record<string, number>): Found => ({
  id,
  products: new Map(Object.entries(products).map(([productId, added]) => [productId, `${added}`])),
});

const text = (recent: ReturnType<typeof createRecentChanges>, told: number, id: string) =>
  recent.since(told, id)?.bytes.toString();

test('whoever was told everything gets nothing', () => {
  const recent = createRecentChanges(10);
  expect(recent.since(0, 'a')).toBeUndefined();
  recent.append(found('b', { tea: 1 }));
  expect(recent.since(recent.newest, 'b')).toBeUndefined();
});

test('whoever was slow gets each product once, as it stands now', () => {
  const recent = createRecentChanges(10);
  recent.append(found('b', { tea: 1, milk: 1 }));
  recent.append(found('c', { tea: 2 }));
  expect(text(recent, 0, 'a')).toBe('event: counts\nid: a\ndata: 2\n\nevent: counts\nid: c\ndata: 1\n\n');
  expect(text(recent, 1, 'b')).toBe('event: counts\nid: c\ndata: 2\n\n');
});

test('only the last event of several moves the id on', () => {
  const recent = createRecentChanges(10);
  recent.append(found('b', { tea: 1, milk: 1, rice: 1 }));
  expect(text(recent, 0, 'a')!.match(/^id: .*$/gm)).toEqual(['id: a', 'id: a', 'id: b']);
});

test('whoever was too slow is told to read everything again, and only that', () => {
  const recent = createRecentChanges(3);
  recent.append(found('b', { tea: 1, milk: 1 }));
  recent.append(found('c', { tea: 2, rice: 1 }));
  const news = recent.since(0, 'a')!;
  expect([news.isReset, news.id]).toEqual([true, 'c']);
  expect(news.bytes.toString()).toMatch(/^event: reset\nid: c\ndata: \{"reason":"too-many",.*\}\n\n$/);
  expect(recent.since(1, 'b')!.isReset).toBe(false);
});

test('the newest changes are there, however many they are', () => {
  const recent = createRecentChanges(1);
  recent.append(found('b', { tea: 1, milk: 1, rice: 1 }));
  expect(recent.since(0, 'a')!.isReset).toBe(false);
});

test('a reset stands for all changes around it', () => {
  const recent = createRecentChanges(10);
  recent.append(found('b', { tea: 1 }));
  recent.append({ id: 'c', reset: 'replaced' });
  recent.append(found('d', { tea: 2 }));
  expect(text(recent, 0, 'a')).toMatch(/^event: reset\nid: d\ndata: \{"reason":"replaced",.*\}\n\n$/);
  expect(text(recent, 2, 'c')).toBe('event: counts\nid: d\ndata: 2\n\n');
});
