/**
 * P5: how long after a cart's change is acknowledged its counter shows it over HTTP. Against graphile-worker on the same
 * server, from `add_job` to its task, both at the same rate: half of what the slower of the two, graphile-worker, can take.
 * And ours at half of what we can take, which is several times as much; ours over Kafka instead of the owner's feed; and
 * both nearly idle, which is the path's own length, without any queues.
 *
 * Theirs is counted from `add_job` being called, as graphile-worker counts its latency itself, so its commit is included,
 * and ours is not; and once more from its being acknowledged, as ours is. Ours includes a durable count, and the question
 * over HTTP, theirs neither; a bare chain of the same hops says how much of the way that is.
 */
import { whyNoKafka } from '@micromart/testing/kafka';
import type { Latencies } from './at-rate.ts';
import { onCounters } from './counters.ts';
import type { Server } from './database.ts';
import type { Figure } from './figure.ts';
import { onFreshKafka } from './kafka.ts';
import { onBareChain } from './peers/bare-chain.ts';
import { onGraphileJobs } from './peers/graphile-jobs.ts';
import { compare, format, quantile } from './protocol.ts';

const SECONDS = 10;
const QUICK_SECONDS = 5;
/** Few enough that there is hardly ever more than one under way. */
const IDLE_PER_SECOND = 10;
const CALLED = 'graphile-worker, add_job called to its task, as its own latency test has it';
const ACKNOWLEDGED = 'graphile-worker, add_job acknowledged to its task';
const BARE = 'the same hops bare: a statement apiece, nothing checked or promised';
const AT = { p50: 0.5, p99: 0.99 } as const;

/** The legs of a round. */
type Legs = Readonly<
  Record<
    | 'called'
    | 'calledIdle'
    | 'acknowledged'
    | 'acknowledgedIdle'
    | 'bare'
    | 'bareIdle'
    | 'same'
    | 'own'
    | 'idle',
    Latencies
  >
> & {
  readonly kafka?: Latencies;
};

const NAMES: Readonly<Record<keyof Legs, string>> = {
  called: 'graphile-worker',
  calledIdle: 'graphile-worker',
  acknowledged: 'graphile-worker, since acknowledged,',
  acknowledgedIdle: 'graphile-worker, since acknowledged,',
  bare: 'a bare chain',
  bareIdle: 'a bare chain',
  same: 'ours',
  own: 'ours',
  idle: 'ours',
  kafka: 'ours over Kafka',
};

export const p5Visible: Figure = async ({ server, rounds, quick, tell }) => {
  const seconds = quick ? QUICK_SECONDS : SECONDS;
  const whyNot = await whyNoKafka();
  const measured: Legs[] = [];
  for (let round = -1; round < rounds; round += 1) {
    const legs = await measureRound(server, { seconds, kafka: whyNot === undefined });
    for (const [leg, { latenciesMs, perSecond }] of Object.entries(legs)) {
      const shown = Object.entries(AT).map(([name, q]) => `${name} ${format(quantile(latenciesMs, q))} ms`);
      const when = round < 0 ? 'warm-up' : `round ${round + 1}`;
      tell(`  ${when}  ${NAMES[leg as keyof Legs]} at ${Math.round(perSecond)}/s: ${shown.join(', ')}`);
    }
    if (round >= 0) measured.push(legs);
  }

  const row = { figure: 'P5', against: CALLED, unit: 'ms' };
  const ownRate = Math.round(measured.at(-1)!.own.perSecond).toLocaleString('en');
  return (['p50', 'p99'] as const).flatMap((name) => {
    const of = (leg: keyof Legs) => measured.map((legs) => quantile(legs[leg]!.latenciesMs, AT[name]));
    return [
      {
        ...row,
        what: `commit to counter visible over HTTP at half of the slower one's maximum rate, ${name}`,
        bar: { atMost: 2, moonshot: 1 },
        ...compare(of('same'), of('called')),
      },
      {
        ...row,
        what: `the same, ${name}`,
        against: ACKNOWLEDGED,
        ...compare(of('same'), of('acknowledged')),
      },
      {
        ...row,
        what: `the same, ${name}`,
        against: BARE,
        ...compare(of('same'), of('bare')),
      },
      {
        ...row,
        what: `the same with ours at half of its own maximum, ${ownRate}/s, ${name}`,
        ...compare(of('own'), of('called')),
      },
      {
        ...row,
        what: `the same with ours over Kafka, at the slower one's half, ${name}`,
        ...(whyNot ? { note: `not measured: ${whyNot}` } : compare(of('kafka'), of('called'))),
      },
      {
        ...row,
        what: `the same with both nearly idle, ${IDLE_PER_SECOND}/s, ${name}`,
        ...compare(of('idle'), of('calledIdle')),
      },
      {
        ...row,
        what: `both nearly idle, ${IDLE_PER_SECOND}/s, ${name}`,
        against: ACKNOWLEDGED,
        ...compare(of('idle'), of('acknowledgedIdle')),
      },
      {
        ...row,
        what: `both nearly idle, ${IDLE_PER_SECOND}/s, ${name}`,
        against: BARE,
        ...compare(of('idle'), of('bareIdle')),
      },
    ];
  });
};

async function measureRound(
  server: Server,
  { seconds, kafka }: { seconds: number; kafka: boolean },
): Promise<Legs> {
  const jobs = await onGraphileJobs(server, { seconds }, async (measureAt, maxPerSecond) => {
    const { called, acknowledged } = await measureAt(maxPerSecond / 2);
    const idle = await measureAt(IDLE_PER_SECOND);
    return { called, acknowledged, calledIdle: idle.called, acknowledgedIdle: idle.acknowledged };
  });
  const slower = jobs.called.perSecond;
  const chain = await onBareChain(server, { seconds }, async (measureAt) => ({
    bare: await measureAt(slower),
    bareIdle: await measureAt(IDLE_PER_SECOND),
  }));
  const counters = await onCounters(server, { seconds }, async (measureAt, maxPerSecond) => ({
    same: await measureAt(slower),
    own: await measureAt(maxPerSecond / 2),
    idle: await measureAt(IDLE_PER_SECOND),
  }));
  if (!kafka) return { ...jobs, ...chain, ...counters };
  const overKafka = await onFreshKafka((kafkaUrl) =>
    onCounters(server, { seconds, kafkaUrl }, (measureAt) => measureAt(slower)),
  );
  return { ...jobs, ...chain, ...counters, kafka: overKafka };
}
