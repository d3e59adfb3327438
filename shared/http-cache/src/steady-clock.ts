/** Milliseconds since 1970 by a clock that is never set back, as ages need. */
export const steadyClock = (): number => performance.timeOrigin + performance.now();
