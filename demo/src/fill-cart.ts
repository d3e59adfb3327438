import type { Answer, HttpClient } from './http-client.ts';
import type { Basket, CloseReason, Operation } from './plan.ts';
import type { Positions } from './positions.ts';
import { ask } from './retry.ts';
import type { Authorize } from './tokens.ts';
import { classifyWrite } from './verdict.ts';

/**
 * Fills a cart as its shopper would: opens it, executes the operations one request after another, and closes it as bought or
 * abandoned. Each write has its own Idempotency-Key and is repeated until it is answered. So a service that dies, or a lost
 * answer, neither drops a change nor makes it twice.
 */
export type FillCart = (cart: PlannedCart, signal: AbortSignal) => Promise<void>;

export type PlannedCart = {
  /** The number of the cart in this run. */
  readonly number: number;
  readonly basket: Basket;
  readonly operations: readonly Operation[];
  readonly reason: CloseReason;
};

/** Longer than any restart takes, and less than the 24 hours for which keys are stored. */
const WRITE_CAP_MS = 60_000;

export function createFillCart(deps: {
  readonly client: HttpClient;
  readonly authorize: Authorize;
  readonly positions: Positions;
  /** Makes the keys of this run differ from those of every other run. */
  readonly runId: string;
  readonly onOperation: (operation: Operation) => void;
  readonly onClose: (reason: CloseReason, operations: readonly Operation[]) => void;
  readonly onRequest: () => void;
  readonly onRetry: () => void;
}): FillCart {
  const { client, authorize, positions, runId, onOperation, onClose, onRequest, onRetry } = deps;

  return async ({ number, basket, operations, reason }, signal) => {
    let writes = 0;
    const write = async (method: string, path: string, body?: unknown): Promise<Answer> => {
      const authorization = await authorize(`demo-${basket.shopper}`, 'shopper');
      const headers: Record<string, string> = {
        authorization,
        'idempotency-key': `demo.${runId}.${number}.${writes++}`,
      };
      if (body !== undefined) headers['content-type'] = 'application/json';
      const text = body === undefined ? {} : { body: JSON.stringify(body) };
      const answer = await ask({
        name: `${method} ${path} (basket ${basket.id})`,
        send: () => client.send({ method, path, headers, ...text }),
        classify: classifyWrite,
        capMs: WRITE_CAP_MS,
        signal,
        onRetry,
      });
      positions.note(answer.headers.position as string | undefined);
      onRequest();
      return answer;
    };

    const path = cartPath(await write('POST', '/carts'));
    for (const operation of operations) {
      const { method, suffix, body } = requestOf(operation);
      await write(method, `${path}/items${suffix}`, body);
      onOperation(operation);
    }
    await write('POST', `${path}/close`, { reason });
    onClose(reason, operations);
  };
}

function cartPath({ headers: { location }, body }: Answer): string {
  const path = location && /\/carts\/[^/?#]+$/.exec(location)?.[0];
  if (!path) throw new Error(`a new cart has no Location, or not one below /carts/: ${body.slice(0, 200)}`);
  return path;
}

function requestOf(operation: Operation): { method: string; suffix: string; body?: unknown } {
  const { kind, productId, units } = operation;
  const line = `/${productId}`;
  switch (kind) {
    case 'add':
      return { method: 'POST', suffix: '', body: { items: [{ productId, quantity: units }] } };
    case 'set':
      return { method: 'PUT', suffix: line, body: { quantity: operation.left } };
    case 'take':
      return { method: 'DELETE', suffix: `${line}?quantity=${units}` };
    case 'drop':
      return { method: 'DELETE', suffix: line };
  }
}
