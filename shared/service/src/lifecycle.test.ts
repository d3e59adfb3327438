import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createLifecycle } from './lifecycle.ts';

test('closes what was opened in reverse order, after everything that was started has stopped', async () => {
  const kinds = fc.array(fc.constantFrom('opened' as const, 'started' as const), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(kinds, async (parts) => {
      const lifecycle = createLifecycle();
      const begun: number[] = [];
      const ended: number[] = [];
      parts.forEach((kind, n) => {
        lifecycle[kind]({
          async close() {
            begun.push(n);
            await null;
            ended.push(n);
          },
        });
      });
      await lifecycle.close();
      const of = (kind: string) => [...parts.keys()].filter((n) => parts[n] === kind).toReversed();
      expect(begun).toEqual([...of('started'), ...of('opened')]);
      expect(ended).toEqual(begun);
    }),
  );
});

test('stops all that was started concurrently', async () => {
  const lifecycle = createLifecycle();
  const { promise: other, resolve } = Promise.withResolvers<void>();
  lifecycle.started({ close: () => resolve() });
  lifecycle.started({ close: () => other });
  await lifecycle.close();
});

test('closes everything even if something fails to close, and then reports what failed', async () => {
  const lifecycle = createLifecycle();
  const closed: string[] = [];
  const failing = (name: string) => ({
    close() {
      closed.push(name);
      throw new Error(`${name} failed`);
    },
  });
  lifecycle.opened({ close: () => void closed.push('store') });
  lifecycle.opened(failing('queue'));
  lifecycle.started(failing('relay'));
  const error = await lifecycle.close().catch((thrown) => thrown);
  expect(closed).toEqual(['relay', 'queue', 'store']);
  expect(error.errors.map(({ message }: Error) => message)).toEqual(['relay failed', 'queue failed']);
});
