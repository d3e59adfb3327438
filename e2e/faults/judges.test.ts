import { describe, expect, test } from '@jest/globals';
import {
  type CatalogEvidence,
  type Evidence,
  type Job,
  type LogClose,
  type LogMove,
  NO_CATALOG,
  NO_EVIDENCE,
  NO_HISTORY,
} from './evidence/evidence.ts';
import { NO_FIGURES } from './figures.ts';
import { JUDGES, type JudgeName, judge } from './judges.ts';
import { FEED_PRODUCTS, feedName, feedPath } from './load/feeds.ts';
import type { Glance } from './load/glances.ts';
import {
  type Answer,
  type Attempt,
  type Change,
  type Counters,
  NO_COUNTERS,
  type Outcome,
} from './load/history.ts';
import { type Order, orderedName, type Wanted } from './load/orders.ts';

const LOG = 'cart-0';
const CART = 'cart a';

const position = (sequence: number) => ({ log: LOG, partition: 3, sequence });

const timeOf = (sequence: number) => new Date(10 * sequence).toISOString();

const event = (sequence: number, change: Partial<LogMove> = {}): LogMove => ({
  partition: 3,
  sequence,
  trace: sequence,
  kind: 'add',
  cartId: CART,
  productId: 'tea',
  quantity: 2,
  version: sequence + 1,
  time: timeOf(sequence),
  ...change,
});

const closed = (sequence: number, change: Partial<LogClose> = {}): LogClose => ({
  partition: 3,
  sequence,
  trace: sequence,
  kind: 'close',
  cartId: CART,
  reason: 'bought',
  startedAt: timeOf(1),
  lines: new Map([['tea', 4]]),
  version: sequence + 1,
  time: timeOf(sequence),
  ...change,
});

const acknowledged = (sequence: number): Outcome => ({ kind: 'acknowledged', position: position(sequence) });
const unknown: Outcome = { kind: 'unknown', why: 'ECONNRESET' };
const unseen: Outcome = {
  kind: 'unknown',
  why: '503 {"detail":"The catalog does not answer, and nothing recent enough is known of product p-1."}',
};
const refused: Outcome = { kind: 'refused', why: '422' };

/** Requests are sent at ten times their number, and take five milliseconds. */
const attempt = (trace: number, outcome: Outcome): Attempt => ({
  trace,
  sentAtMs: 10 * trace,
  endedAtMs: 10 * trace + 5,
  outcome,
});

const change = (attempts: readonly Attempt[], rest: Partial<Change> = {}): Change => ({
  cartId: CART,
  kind: 'add',
  items: [{ productId: 'tea', quantity: 2 }],
  attempts,
  ...rest,
});

const counters = (change: Partial<Counters>): Counters => ({ ...NO_COUNTERS, ...change });

const answer = (rest: Partial<Answer>): Answer => ({
  counters: new Map(),
  whole: false,
  positions: [],
  asOfMs: 0,
  tokens: [],
  readModel: 0,
  sentAtMs: 0,
  endedAtMs: 0,
  ...rest,
});

type Given = Partial<Omit<Evidence, 'history'>> & { readonly history?: Partial<Evidence['history']> };

/** Two changes, acknowledged, in the log, in the cart and counted; with what is given in place of it. */
const evidence = ({ history, ...rest }: Given = {}): Evidence => ({
  ...NO_EVIDENCE,
  history: {
    ...NO_HISTORY,
    changes: [change([attempt(1, acknowledged(1))]), change([attempt(2, acknowledged(2))])],
    carts: new Map([[CART, 'alice']]),
    ...history,
  },
  log: [event(1), event(2)],
  carts: new Map([[CART, { version: 3, isClosed: false, lines: new Map([['tea', 4]]) }]]),
  counters: [new Map([['tea', counters({ added: 2, unitsAdded: 4 })]])],
  ...rest,
});

/** The same, and a third change that closes the cart. */
const closing = (close: Partial<LogClose> = {}, reason: 'bought' | 'abandoned' = 'bought'): Given => ({
  history: {
    changes: [
      ...evidence().history.changes,
      change([attempt(3, acknowledged(3))], { kind: 'close', reason, items: [] }),
    ],
  },
  log: [event(1), event(2), closed(3, close)],
  carts: new Map([[CART, { version: 4, isClosed: true, lines: new Map([['tea', 4]]) }]]),
});

const LAST = FEED_PRODUCTS.at(-1)!;

/** Orders are sent at ten times their number, too, and their jobs end a second later. */
const order = (trace: number, wanted: Wanted, outcome?: Order['outcome']): Order => ({
  trace,
  sentAtMs: 10 * trace,
  endedAtMs: 10 * trace + 5,
  wanted,
  outcome: outcome ?? { kind: 'accepted', job: `job ${trace}` },
});

const job = (number: number, rest: Partial<Job> = {}): Job => ({
  id: `job ${number}`,
  number,
  kind: 'put',
  productId: 'tea',
  state: 'done',
  result: 'applied',
  finishedAt: new Date(10 * number + 1_000).toISOString(),
  ...rest,
});

const put = (productId = 'tea'): Wanted => ({ kind: 'put', productId });
const event1 = { productId: 'tea', version: 1, trace: 1 };
const event2 = { productId: 'tea', version: 2, trace: 2 };

/** Two orders for a product, one after the other, both applied; with what is given in place of it. */
const catalog = ({
  orders = [order(1, put()), order(2, put())],
  misanswers = [],
  ...rest
}: Partial<Omit<CatalogEvidence, 'history'> & CatalogEvidence['history']> = {}): CatalogEvidence => ({
  history: { orders, misanswers },
  jobs: [job(1), job(2)],
  products: new Map([['tea', { version: 2, name: orderedName(2), withdrawn: false }]]),
  changes: [event1, event2],
  ...rest,
});

const glanceAt = (sentAtMs: number, rest: Partial<Glance> = {}): Glance => ({
  sentAtMs,
  endedAtMs: sentAtMs + 5,
  catalog: 'fresh',
  prices: [{ productId: 'tea', amount: 1 }],
  ...rest,
});

const stop = { name: 'cart-service', toldAtMs: 100, goneAtMs: 900, how: 'ended with code 0' };
const seen = (...sequences: number[]) => sequences.map((sequence) => ({ partition: 3, sequence }));

const acquitted: Readonly<Record<string, Given>> = {
  'a run without a fault': {},
  'a cart that was closed with what it held': closing(),
  'a cart that was closed when all had been taken out again': {
    ...closing(),
    history: {
      changes: [
        change([attempt(1, acknowledged(1))]),
        change([attempt(2, acknowledged(2))], { kind: 'remove' }),
        change([attempt(3, acknowledged(3))], { kind: 'close', reason: 'bought', items: [] }),
      ],
    },
    log: [event(1), event(2, { kind: 'remove' }), closed(3, { lines: new Map() })],
    carts: new Map([[CART, { version: 4, isClosed: true, lines: new Map() }]]),
    counters: [new Map([['tea', counters({ added: 1, unitsAdded: 2, removed: 1, unitsRemoved: 2 })]])],
  },
  'an unknown change that happened': {
    history: { changes: [change([attempt(1, unknown)]), change([attempt(2, acknowledged(2))])] },
  },
  'an unknown change and a refused one that did not happen': {
    history: {
      changes: [
        change([attempt(1, acknowledged(1))]),
        change([attempt(2, acknowledged(2))]),
        change([attempt(3, unknown)]),
        change([attempt(4, refused)]),
      ],
    },
  },
  'a change that was repeated until it was known': {
    history: {
      changes: [
        change([attempt(1, unknown), attempt(5, refused), attempt(6, acknowledged(1))]),
        change([attempt(2, acknowledged(2))]),
      ],
    },
  },
  'an answer of the past that says so': {
    history: {
      changes: evidence().history.changes,
      answers: [
        answer({
          counters: new Map([['tea', counters({ added: 1, unitsAdded: 2 })]]),
          positions: [position(1)],
          asOfMs: 26,
        }),
        answer({ whole: true, positions: [position(0)], asOfMs: 16 }),
      ],
    },
  },
  'an orderly stop beside a request that failed before': {
    stops: [stop],
    history: { broken: [{ sentAtMs: 1, endedAtMs: 99, why: 'ECONNRESET' }] },
  },
  'a write that failed after a fault that spares writes': {
    spared: [{ fault: 'kill broker', fromMs: 0, tillMs: 24 }],
    history: { changes: [change([attempt(1, acknowledged(1))]), change([attempt(2, unknown)])] },
  },
  'a product that a cart which was started anew has not seen': {
    spared: [{ fault: 'freeze catalog for long', fromMs: 0, tillMs: 99, withEmptyCopies: true }],
    history: { changes: [change([attempt(1, acknowledged(1))]), change([attempt(2, unseen)])] },
  },
  'a catalog that is as ordered': { catalog: catalog() },
  'an order that took effect before its worker died, and was overtaken': {
    catalog: catalog({ jobs: [job(1, { result: 'superseded' }), job(2)] }),
  },
  'an import that is overtaken by a single order': {
    catalog: catalog({
      orders: [order(1, { kind: 'import', feed: 1 }), order(2, put(LAST))],
      jobs: [
        job(1, {
          kind: 'import',
          url: `http://supplier${feedPath(1)}`,
          result: { applied: FEED_PRODUCTS.length - 1, unchanged: 0, superseded: 1 },
        }),
        job(2, { productId: LAST }),
      ],
      products: new Map(
        FEED_PRODUCTS.map((id) => [
          id,
          { version: 1, name: id === LAST ? orderedName(2) : feedName(1), withdrawn: false },
        ]),
      ),
      changes: FEED_PRODUCTS.map((productId) => ({
        productId,
        version: 1,
        trace: productId === LAST ? 2 : 1,
      })),
    }),
  },
  'an order without an answer that was carried out, and one that was not': {
    catalog: catalog({
      orders: [order(1, put()), order(2, put(), unknown), order(3, put(), unknown)],
    }),
  },
  'a price called fresh within its lifetime, and a stale one after it': {
    maxAgeS: 1,
    catalog: catalog(),
    glances: [glanceAt(2_020), glanceAt(9_000, { catalog: 'stale' })],
  },
  'a read that was told during a roll that its position is not included yet': {
    history: {
      unanswered: [{ sentAtMs: 40, endedAtMs: 50, why: '503 {"type":"/problems/not-yet-consistent"}' }],
    },
    rolls: [{ fault: 'roll tracking', fromMs: 34, tillMs: 99 }],
  },
  'a cart that could not be seen while a cart-service was killed': {
    glances: [{ ...glanceAt(10), failure: 'ECONNRESET', prices: [] }],
    cuts: [{ fault: 'kill cart', fromMs: 1, tillMs: 99 }],
  },
  'a follower that saw all': { followers: [{ name: 'one', seen: seen(1, 2) }] },
};

const objected: readonly (Given & {
  readonly name: string;
  readonly by: JudgeName;
  readonly what: RegExp;
})[] = [
  {
    name: 'an acknowledged change that is lost',
    log: [event(1)],
    by: 'changes',
    what: /acknowledged and is lost/,
  },
  {
    name: 'a refused change that happened',
    history: { changes: [change([attempt(1, acknowledged(1))]), change([attempt(2, refused)])] },
    by: 'changes',
    what: /was refused and happened/,
  },
  {
    name: 'a repeated change that happened twice',
    history: { changes: [change([attempt(1, unknown), attempt(2, acknowledged(2))])] },
    by: 'changes',
    what: /happened 2 times/,
  },
  {
    name: 'a change of another quantity than was asked for',
    log: [event(1), event(2, { quantity: 3 })],
    by: 'changes',
    what: /otherwise than asked for/,
  },
  {
    name: 'half a change',
    history: {
      changes: [
        change([attempt(1, acknowledged(1))]),
        change([attempt(2, acknowledged(2))], {
          items: [
            { productId: 'tea', quantity: 2 },
            { productId: 'milk', quantity: 1 },
          ],
        }),
      ],
    },
    by: 'changes',
    what: /otherwise than asked for/,
  },
  {
    name: "a position that is not the change's",
    history: { changes: [change([attempt(1, acknowledged(1))]), change([attempt(2, acknowledged(1))])] },
    by: 'changes',
    what: /position that is not event 3@2/,
  },
  {
    name: 'an event of nobody',
    log: [event(1), event(2), event(3, { trace: undefined })],
    by: 'changes',
    what: /event 3@3 is of no recorded request/,
  },
  {
    name: 'two changes decided upon the same version',
    log: [event(1), event(2, { version: 2 })],
    by: 'order',
    what: /change 2 in the log has version 2, not 3/,
  },
  {
    name: 'a later change that stands before an earlier one',
    log: [event(1, { trace: 2 }), event(2, { trace: 1 })],
    by: 'order',
    what: /event @1 was asked for after @2 was acknowledged/,
  },
  {
    name: 'more taken out than there was',
    log: [event(1), event(2, { kind: 'remove', quantity: 5 })],
    by: 'order',
    what: /takes out more of tea/,
  },
  {
    name: 'a cart that forgot a change',
    carts: new Map([[CART, { version: 2, isClosed: false, lines: new Map([['tea', 2]]) }]]),
    by: 'carts',
    what: /holds 2 of tea; its events come to 4/,
  },
  { name: 'a cart that is gone', carts: new Map(), by: 'carts', what: /was opened and is not there/ },
  {
    ...closing({ lines: new Map([['tea', 3]]) }),
    name: 'a close with another quantity than the cart held',
    by: 'closes',
    what: /close of cart cart a, @3, is wrong about tea/,
  },
  {
    ...closing({ lines: new Map([...closed(3).lines, ['milk', 1]]) }),
    name: 'a close with a product that the cart did not hold',
    by: 'closes',
    what: /wrong about milk/,
  },
  {
    ...closing({ startedAt: timeOf(2) }),
    name: 'a close with a start that is not that of the first addition',
    by: 'closes',
    what: /says that it was started 1970-01-01T00:00:00.020Z/,
  },
  {
    ...closing(),
    name: 'a cart that is open though the log closed it',
    carts: evidence().carts,
    by: 'closes',
    what: /cart a is open; its events say otherwise/,
  },
  {
    ...closing(),
    name: 'an event behind the close of its cart',
    log: [event(1), closed(2, { trace: 3, version: 3 }), event(3, { trace: 2, version: 4 })],
    by: 'closes',
    what: /@2, is not its last event/,
  },
  {
    ...closing({}, 'abandoned'),
    name: 'a close for another reason than was given',
    by: 'changes',
    what: /otherwise than asked for/,
  },
  {
    name: 'an event counted twice',
    counters: [evidence().counters[0]!, new Map([['tea', counters({ added: 3, unitsAdded: 6 })]])],
    by: 'counts',
    what: /tea is counted \+3 \(6\) -0 \(0\); the log has \+2 \(4\)/,
  },
  {
    name: 'a product counted that nobody touched',
    counters: [new Map([...evidence().counters[0]!, ['milk', counters({ removed: 1 })]])],
    by: 'counts',
    what: /milk is counted/,
  },
  {
    name: 'an answer with more than its position',
    history: {
      answers: [
        answer({
          counters: new Map([['tea', counters({ added: 2, unitsAdded: 4 })]]),
          positions: [position(1)],
        }),
      ],
    },
    by: 'answers',
    what: /gave tea \+2 \(4\).*the log has \+1 \(2\).*there/,
  },
  {
    name: 'a list that lacks a product',
    history: { answers: [answer({ whole: true, positions: [position(2)] })] },
    by: 'answers',
    what: /gave tea \+0/,
  },
  {
    name: 'an answer below its token',
    history: { answers: [answer({ positions: [position(1)], tokens: [position(2)] })] },
    by: 'answers',
    what: /was given for the token cart-0\/3@2/,
  },
  {
    name: 'an As-Of after a change that the answer lacks',
    history: { answers: [answer({ positions: [position(1)], asOfMs: 27 })] },
    by: 'answers',
    what: /lacks 3@2, acknowledged before/,
  },
  {
    name: 'an answer that goes back behind one that had come before it was asked for',
    history: {
      answers: [
        answer({ positions: [position(2)], sentAtMs: 50, endedAtMs: 60 }),
        answer({ positions: [position(1)], sentAtMs: 70, endedAtMs: 80 }),
      ],
    },
    by: 'backwards',
    what: /an answer at cart-0\/3@1 goes back: 3@2 had been answered before/,
  },
  {
    name: 'a generation that differs from the live one',
    compared: [{ generation: 'g~2', rows: 9, differing: 1, otherHistory: null, listed: [] }],
    by: 'rebuilds',
    what: /g~2 differs in 1 of 9 rows/,
  },
  {
    name: 'a read that was misanswered',
    history: { misanswers: ['GET /products: 500'] },
    by: 'answers',
    what: /misanswered: GET \/products: 500/,
  },
  {
    name: 'a follower that skipped an event',
    followers: [{ name: 'one', seen: seen(2) }],
    by: 'followers',
    what: /one skipped 1 of 2 events/,
  },
  {
    name: 'a follower that saw an event again',
    followers: [{ name: 'one', seen: seen(1, 2, 2) }],
    by: 'followers',
    what: /saw 1 events again/,
  },
  {
    name: 'a follower that saw events in disorder',
    followers: [{ name: 'one', seen: seen(2, 1) }],
    by: 'followers',
    what: /1 events behind later ones/,
  },
  {
    name: 'a process that did not end in order',
    stops: [{ ...stop, how: 'was ended by SIGKILL' }],
    by: 'stops',
    what: /cart-service was ended by SIGKILL/,
  },
  {
    name: 'a process that took too long to end',
    stops: [{ ...stop, goneAtMs: 5_101 }],
    by: 'stops',
    what: /ended after 5001 ms/,
  },
  {
    name: 'a write that failed by a stop',
    stops: [{ ...stop, toldAtMs: 14 }],
    history: { changes: [change([attempt(1, unknown)]), change([attempt(2, acknowledged(2))])] },
    by: 'stops',
    what: /a request failed: ECONNRESET/,
  },
  {
    name: 'a read that failed by a stop',
    stops: [stop],
    history: { broken: [{ sentAtMs: 850, endedAtMs: 1_000, why: 'socket hang up' }] },
    by: 'stops',
    what: /a request failed: socket hang up/,
  },
  ...Object.entries({
    'a cart that could not be opened': { history: { openings: [attempt(3, unknown)] } },
    'a write that nobody took': {
      history: {
        changes: [
          change([attempt(1, acknowledged(1))]),
          change([attempt(2, acknowledged(2))]),
          change([attempt(3, { kind: 'refused', why: 'ECONNREFUSED' })]),
        ],
      },
    },
    'a read that was told "not now"': {
      history: { unanswered: [{ sentAtMs: 30, endedAtMs: 35, why: '503' }] },
    },
    'a cart that could not be seen': {
      glances: [{ sentAtMs: 30, endedAtMs: 35, failure: '503', prices: [] }],
    },
    'an order that failed': {
      catalog: {
        ...NO_CATALOG,
        history: {
          orders: [order(3, { kind: 'put', productId: 'tea' }, { kind: 'unknown', why: '503' })],
          misanswers: [],
        },
      },
    },
  } satisfies Record<string, Given>).map(([name, given]) => ({
    name: `${name} during a roll`,
    rolls: [{ fault: 'roll cart', fromMs: 34, tillMs: 99 }],
    ...given,
    by: 'rolls' as const,
    what: / during "roll cart"$/,
  })),
  {
    name: 'a subscription that stopped',
    stopped: ['counts: source-replaced'],
    by: 'stopped',
    what: /a subscription stopped: counts: source-replaced/,
  },
  {
    name: 'a write that failed while a broker was away',
    spared: [{ fault: 'kill broker', fromMs: 0, tillMs: 99 }],
    history: { changes: [change([attempt(1, acknowledged(1))]), change([attempt(2, unknown)])] },
    by: 'spared',
    what: /by "kill broker": ECONNRESET/,
  },
  {
    name: 'a write that failed at a cart which was started anew, for another reason than an unseen product',
    spared: [{ fault: 'freeze catalog for long', fromMs: 0, tillMs: 99, withEmptyCopies: true }],
    history: { changes: [change([attempt(1, acknowledged(1))]), change([attempt(2, unknown)])] },
    by: 'spared',
    what: /by "freeze catalog for long": ECONNRESET/,
  },
  {
    name: 'a product that a cart has seen and refuses',
    spared: [{ fault: 'freeze catalog for long', fromMs: 0, tillMs: 99 }],
    history: { changes: [change([attempt(1, acknowledged(1))]), change([attempt(2, unseen)])] },
    by: 'spared',
    what: /nothing recent enough is known/,
  },
  {
    name: 'an accepted job that is not known',
    catalog: catalog({ misanswers: ['the accepted job 1: 404'] }),
    by: 'jobs',
    what: /misanswered: the accepted job 1: 404/,
  },
  { name: 'an accepted job that is lost', catalog: catalog({ jobs: [job(2)] }), by: 'jobs', what: /is lost/ },
  {
    name: 'a job that failed',
    catalog: catalog({ jobs: [job(1, { state: 'failed' }), job(2)] }),
    by: 'jobs',
    what: /job 1 \(put\) has come to be failed/,
  },
  {
    name: 'a later job with a lower number',
    catalog: catalog({ jobs: [job(1, { number: 3 }), job(2)] }),
    by: 'jobs',
    what: /number 2 was ordered after number 3 was accepted/,
  },
  {
    name: 'an older order over a newer one',
    catalog: catalog({
      products: new Map([['tea', { version: 2, name: orderedName(1), withdrawn: false }]]),
    }),
    by: 'products',
    what: /tea is "of order 1"; its newest job, number 2, makes it "of order 2"/,
  },
  {
    name: 'a product that is sold though it was withdrawn',
    catalog: catalog({ jobs: [job(1), job(2, { kind: 'withdraw' })] }),
    by: 'products',
    what: /makes it withdrawn/,
  },
  {
    name: 'a version without an event',
    catalog: catalog({ changes: [event2] }),
    by: 'products',
    what: /version 2 in the log follows 0/,
  },
  {
    name: 'a product ahead of its events',
    catalog: catalog({ changes: [event1] }),
    by: 'products',
    what: /tea has version 2; its last event, 1/,
  },
  {
    name: 'an order that took effect twice',
    catalog: catalog({ changes: [event1, { ...event2, trace: 1 }] }),
    by: 'products',
    what: /order 1 took effect twice/,
  },
  {
    name: 'a job that says it changed something, and did not',
    catalog: catalog({ changes: [event1] }),
    by: 'products',
    what: /job 2 applied 1 changes, 0 were superseded; it has 0 events/,
  },
  {
    name: 'a cart that could not be seen',
    glances: [glanceAt(1, { failure: '503', prices: [] })],
    by: 'glances',
    what: /could not be seen: 503/,
  },
  {
    name: 'a cart that could not be seen, long after a cart-service was killed',
    glances: [glanceAt(900, { failure: 'ECONNRESET', prices: [] })],
    cuts: [{ fault: 'kill cart', fromMs: 1, tillMs: 800 }],
    by: 'glances',
    what: /could not be seen: ECONNRESET/,
  },
  {
    name: 'an old price that was called fresh',
    maxAgeS: 1,
    catalog: catalog(),
    glances: [glanceAt(2_021)],
    by: 'glances',
    what: /called the price 1 of tea fresh 1 ms after its time/,
  },
  {
    name: 'a price that there never was',
    catalog: catalog(),
    glances: [glanceAt(1, { prices: [{ productId: 'tea', amount: 7 }] })],
    by: 'glances',
    what: /showed 7 for tea, which it never cost/,
  },
  {
    name: 'a run in which nothing ended unknown',
    demands: { 'requests that ended unknown': 1 },
    by: 'coverage',
    what: /requests that ended unknown: 0/,
  },
  {
    name: 'a kill at a quiet moment',
    figures: { ...NO_FIGURES, inFlight: [64, 31] },
    by: 'coverage',
    what: /killed with 31 writes in flight/,
  },
];

describe('the judges acquit', () => {
  test.each(Object.entries(acquitted))('%s', (_, given) => {
    expect(judge(evidence(given))).toEqual([]);
  });
});

describe('a judge objects to', () => {
  test.each(objected)('$name', ({ name: _, by, what, ...given }) => {
    expect(JUDGES[by](evidence(given))).toContainEqual(expect.stringMatching(what));
  });

  test('something, every one of them', () => {
    expect(new Set(objected.map(({ by }) => by))).toEqual(new Set(Object.keys(JUDGES)));
  });
});
