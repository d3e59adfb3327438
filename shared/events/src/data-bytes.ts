/**
 * How many bytes an event's data takes: as JSON, in UTF-8. Every limit in bytes is in this measure. It leaves out the envelope,
 * which is small and which limits in events bound.
 */
export const dataBytes = (data: unknown): number => Buffer.byteLength(JSON.stringify(data) ?? '');
