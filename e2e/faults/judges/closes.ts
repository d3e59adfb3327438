import { type Evidence, isMove, type LogClose, type LogMove } from '../evidence/evidence.ts';

/**
 * A cart is closed once and for good, with the lines that its events come to and the time of its first addition; and it is
 * answered as closed if and only if the log says so.
 */
export function judgeCloses({ history, log, carts }: Evidence): string[] {
  const byCart = Map.groupBy(log, ({ cartId }) => cartId);
  return [...history.carts.keys()].flatMap((cartId) => {
    const events = byCart.get(cartId) ?? [];
    const [close, ...more] = events.filter((event): event is LogClose => !isMove(event));
    const isClosed = carts.get(cartId)?.isClosed;
    if (isClosed !== undefined && isClosed !== (close !== undefined))
      return [`cart ${cartId} is ${isClosed ? 'closed' : 'open'}; its events say otherwise`];
    if (!close) return [];
    const name = `the close of cart ${cartId}, @${close.sequence},`;
    if (more.length > 0 || events.at(-1) !== close) return [`${name} is not its last event`];
    const moves = events.filter(isMove);
    return [
      ...wrongLines(close, moves).map((productId) => `${name} is wrong about ${productId}`),
      ...(close.startedAt === moves[0]?.time ? [] : [`${name} says that it was started ${close.startedAt}`]),
    ];
  });
}

function wrongLines({ lines }: LogClose, moves: readonly LogMove[]): string[] {
  const expected = linesOf(moves);
  return [...new Set([...expected.keys(), ...lines.keys()])].filter(
    (productId) => expected.get(productId) !== lines.get(productId),
  );
}

/** What a cart holds after these events. */
export function linesOf(moves: readonly LogMove[]): Map<string, number> {
  const lines = new Map<string, number>();
  for (const { kind, productId, quantity } of moves)
    lines.set(productId, (lines.get(productId) ?? 0) + (kind === 'add' ? quantity : -quantity));
  return new Map([...lines].filter(([, quantity]) => quantity !== 0));
}
