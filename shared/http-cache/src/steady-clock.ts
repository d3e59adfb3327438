/** Milliseconds since 1970 by a clock that is never set back, because ages must not shrink. */
export const steadyClock = (): number => performance.timeOrigin + performance.now();
