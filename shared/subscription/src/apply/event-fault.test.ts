import { describe, expect, test } from '@jest/globals';
import { problem } from '@micromart/http/problem';
import { EventFault, handling } from './event-fault.ts';

const failure = (code: string, rest: object = {}) => Object.assign(new Error('failed'), { code, ...rest });
const failWith = (error: unknown) =>
  handling(() => {
    throw error;
  });

describe('an error of the handling', () => {
  /** A code of every class in PostgreSQL 18, appendix A, except success and warnings. */
  const classes: readonly (readonly [code: string, ofTheEvent: boolean])[] = [
    ...(['02000', '20000', '21000', '22P02', '22003', '22021', '23505', '23514', '44000'] as const).map(
      (code) => [code, true] as const,
    ),
    ...(['54000', '54001', 'P0001', 'P0004'] as const).map((code) => [code, true] as const),
    ...['03000', '08006', '09000', '0A000', '0B000', '0F000', '0L000', '0P000', '0Z000', '10608'],
    ...['24000', '25006', '25P02', '25P03', '26000', '27000', '28P01', '2B000', '2D000', '2F000'],
    ...['34000', '38000', '39000', '3B001', '3D000', '3F000', '40001', '40P01', '42501', '42P01', '42703'],
    ...['53100', '53300', '55000', '55P03', '57014', '57P01', '58030', 'F0000', 'HV000', 'XX000', 'SF001'],
  ].map((one) => (typeof one === 'string' ? ([one, false] as const) : one));

  test.each(classes)('with SQLSTATE %s is the fault of the event: %s', async (code, ofTheEvent) => {
    const error = failure(code);
    const thrown = await failWith(error).catch((thrown) => thrown);
    expect(thrown instanceof EventFault).toBe(ofTheEvent);
    if (!ofTheEvent) expect(thrown).toBe(error);
  });

  test.each([
    ['a full disk of this process', failure('ENOSPC')],
    ['no file descriptors', failure('EMFILE')],
    ['a name that is not resolved', failure('EAI_AGAIN', { syscall: 'getaddrinfo' })],
    ['a reset connection', failure('ECONNRESET')],
    ['a stream that ended early', failure('ERR_STREAM_PREMATURE_CLOSE')],
    ['a timeout', new DOMException('too late', 'TimeoutError')],
    ['an abort', new DOMException('stopped', 'AbortError')],
    ['a cause of these', new TypeError('fetch failed', { cause: failure('UND_ERR_CONNECT_TIMEOUT') })],
    ['a service that is unavailable', problem('unavailable', 'the catalog is unavailable')],
  ])("is no event's fault: %s", async (_, error) => {
    await expect(failWith(error)).rejects.toBe(error);
  });

  test.each([
    ['a wrong argument', Object.assign(new TypeError('x'), { code: 'ERR_INVALID_ARG_TYPE' })],
    ['a range', new RangeError('Invalid time value')],
    ['what is not valid', problem('invalid', 'no such thing')],
  ])("is the event's fault: %s", async (_, error) => {
    await expect(failWith(error)).rejects.toThrow(EventFault);
  });

  test("is the event's fault when it never reached the database", async () => {
    await expect(failWith(new TypeError('no such field'))).rejects.toMatchObject({
      name: 'EventFault',
      message: 'no such field',
    });
    await expect(failWith('just a text')).rejects.toMatchObject({ message: 'just a text' });
  });

  test('gives a reason that a column can hold', () => {
    expect(new EventFault(new Error(`a\0b${'c'.repeat(10_000)}`)).message).toMatch(/^a\u2400bc{100,500}$/);
  });
});
