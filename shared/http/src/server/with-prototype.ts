/**
 * Requests and responses that are express's own kind from the beginning.
 *
 * What for: express gives every request and response another prototype, and V8 then looks for their hidden class anew. An
 * object that is made with that prototype is left alone.
 *
 * How to take it out: give `createServer` Node's own IncomingMessage and ServerResponse (server.ts). Nothing else changes.
 *
 * Which rows of bench/README.md would show it: P4 and P6.
 */
export function withPrototype<Base extends new (...args: never[]) => object>(
  base: Base,
  prototype: object,
): Base {
  function Made(...args: unknown[]): object {
    return Reflect.construct(base, args, Made);
  }
  Made.prototype = prototype;
  return Made as unknown as Base;
}
