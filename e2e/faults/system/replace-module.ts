import { registerHooks } from 'node:module';

/**
 * Has whoever imports a module get another in its place, except that other itself: so it can build on the original. Both
 * are file URLs. Must be called before the original is imported; all of it happens in this process alone.
 */
export function replaceModule(original: string, replacement: string): void {
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      return found.url === original && context.parentURL !== replacement
        ? { ...found, url: replacement }
        : found;
    },
  });
}
