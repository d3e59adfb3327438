/**
 * The environment variables from which PostgreSQL's clients take what a URL leaves open (PostgreSQL manual, 34.15), and those of
 * this project's driver. A user may have set them for another server.
 */
const NAMES = /^(PG[A-Z_]+|NODE_PG_FORCE_NATIVE)$/;

/** Removes them all, so that only its URL decides where a connection goes. */
export function removeLibpqVariables(environment: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(environment)) if (NAMES.test(name)) delete environment[name];
}
