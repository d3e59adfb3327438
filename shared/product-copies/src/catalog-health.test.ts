import { expect, test } from '@jest/globals';
import type { HttpAnswer, Send } from '@micromart/http/client/send';
import { createCatalogHealth } from './catalog-health.ts';

const FAR_LATER_MS = 60_000;
const answer = (status: number): Send => {
  const body: HttpAnswer = { status, headers: {}, body: Buffer.from(''), framed: true };
  return async () => body;
};
const refuse: Send = async () => {
  throw new Error('refused');
};

function create() {
  let nowMs = 0;
  const health = createCatalogHealth(() => nowMs);
  return {
    health,
    later: (ms: number) => {
      nowMs += ms;
    },
    ask: (send: Send, signal?: AbortSignal) =>
      health
        .watchSend(send)(
          { method: 'GET', url: 'http://catalog', headers: {} },
          { timeoutMs: 1, maxBytes: 1, signal },
        )
        .catch(() => {}),
    isOk: async () => (await health.check()).ok,
  };
}

test('the catalog counts as available until a request fails', async () => {
  const { ask, isOk } = create();
  expect(await isOk()).toBe(true);
  for (const status of [200, 304, 400]) await ask(answer(status));
  expect(await isOk()).toBe(true);
});

test.each([
  ['is refused', refuse],
  ['is a 503', answer(503)],
  ['is a 401', answer(401)],
])('the catalog is degraded where a question %s, until one is answered', async (_, send) => {
  const { ask, isOk } = create();
  await ask(send);
  expect(await isOk()).toBe(false);
  await ask(answer(304));
  expect(await isOk()).toBe(true);
});

test('a failure is shown for a minute at most, because no request may follow', async () => {
  const { ask, isOk, later } = create();
  await ask(refuse);
  later(FAR_LATER_MS);
  expect(await isOk()).toBe(true);
});

test('an aborted request says nothing about the catalog', async () => {
  const { ask, isOk } = create();
  await ask(refuse, AbortSignal.abort());
  expect(await isOk()).toBe(true);
});

test('an unreadable token makes the catalog unavailable', async () => {
  const { health, isOk } = create();
  await expect(health.watchToken(async () => Promise.reject(new Error('no file')))()).rejects.toThrow(
    'no file',
  );
  expect(await isOk()).toBe(false);
  expect(await health.watchToken(async () => 'token')()).toBe('token');
});
