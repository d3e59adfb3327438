import { expect } from '@jest/globals';
import type { z } from 'zod';
import { ConfigError, readConfig } from '../config.ts';

/** What ConfigError says of settings that a schema refuses; an empty text when it takes them. */
export function problemsOf(schema: z.ZodObject, given: Readonly<Record<string, string | undefined>>): string {
  try {
    readConfig(schema, given);
    return '';
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
}
