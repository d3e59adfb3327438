/** For tests: events as an unreliable network delivers them. */

import type { LoggedEvent } from '@micromart/events/envelope';
import fc from 'fast-check';

/** For each event, by how many positions each of its copies is delayed; an empty list means that it is lost. */
export type Journey = readonly (readonly number[])[];

export const journeys = (events: number): fc.Arbitrary<Journey> =>
  fc.array(fc.array(fc.nat(25), { maxLength: 3 }), { minLength: events, maxLength: events });

/** The events as they arrive: some lost, some repeated, in another order. */
export const travel = (events: readonly LoggedEvent[], journey: Journey): LoggedEvent[] =>
  journey
    .flatMap((shifts, i) => shifts.map((shift) => ({ event: events[i]!, at: i + shift })))
    .sort((a, b) => a.at - b.at)
    .map(({ event }) => event);
