/**
 * Makes requests and responses that have express's prototypes from the start.
 *
 * What for: express changes the prototype of every request and response, and V8 then has to find their hidden class again.
 * Express leaves an object alone that already has the right prototype.
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
