import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isStorable, toStorable } from './storable.ts';

const anyText = fc.string({
  unit: fc.oneof(fc.constantFrom('\0', '\ud83d', '\ude00', '😀', 'a'), fc.string()),
});

describe('toStorable', () => {
  it('makes any text storable, within the given length', () => {
    fc.assert(
      fc.property(anyText, fc.nat(12), (text, maxLength) => {
        const stored = toStorable(text, maxLength);
        expect(isStorable(stored)).toBe(true);
        expect(stored.length).toBeLessThanOrEqual(maxLength);
      }),
    );
  });

  it('leaves a storable text that is short enough as it is', () => {
    fc.assert(
      fc.property(anyText.filter(isStorable), (text) => expect(toStorable(text, text.length)).toBe(text)),
    );
  });

  it('drops a character that the cut would halve', () => {
    expect(toStorable('ab😀', 3)).toBe('ab');
    expect(toStorable('ab😀', 4)).toBe('ab😀');
  });

  it('replaces NUL and lone surrogates by visible characters', () => {
    expect(toStorable('a\0b\ud800c')).toBe('a\u2400b\ufffdc');
  });
});
