/** For tests: what may become of events on their way. */

import type { LoggedEvent } from '@micromart/events/envelope';
import fc from 'fast-check';

/** For each event, how far each of its copies is moved; none means that it is lost. */
export type Journey = readonly (readonly number[])[];

export const journeys = (events: number): fc.Arbitrary<Journey> =>
  fc.array(fc.array(fc.nat(25), { maxLength: 3 }), { minLength: events, maxLength: events });

/** The events as they come: some lost, some repeated, in another order. */
export const travel = (events: readonly LoggedEvent[], journey: Journey): LoggedEvent[] =>
  journey
    .flatMap((shifts, i) => shifts.map((shift) => ({ event: events[i]!, at: i + shift })))
    .sort((a, b) => a.at - b.at)
    .map(({ event }) => event);
