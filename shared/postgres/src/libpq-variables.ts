/**
 * The environment variables from which PostgreSQL's clients take what a URL leaves open (PostgreSQL manual, 34.15), and
 * those of the driver of this project. Somebody may have set them for another server.
 */
const NAMES = /^(PG[A-Z_]+|NODE_PG_FORCE_NATIVE)$/;

/** Takes them all away, so that what is connected to is what the URL says, and nothing else. */
export function removeLibpqVariables(environment: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(environment)) if (NAMES.test(name)) delete environment[name];
}
