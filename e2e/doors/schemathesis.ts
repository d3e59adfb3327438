/** Schemathesis makes requests from an OpenAPI document and checks the answers. This installs and runs it. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const VERSION = '4.32.5';
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/schemathesis', import.meta.url));
const CONFIGURATION = fileURLToPath(new URL('schemathesis.toml', import.meta.url));
const HOOKS = fileURLToPath(new URL('beyond_schemas.py', import.meta.url));
const MAX_OUTPUT_BYTES = 100_000_000;
/** Its exit code for failed checks; higher ones are failures of its own. */
const CHECKS_FAILED = 1;

/** The phase at the limits of the schemas takes minutes, so short runs skip it. */
const MIN_COVERAGE_EXAMPLES = 20;
const SMALL_PHASES = 'examples,fuzzing,stateful';

export type Outcome = {
  readonly requests: number;
  /** Distinct failures, at different operations. */
  readonly failures: number;
  /** Its description of the failures, with the requests that repeat them; empty without any. */
  readonly text: string;
};

/** A part of the tool's JSON report. */
type Report = {
  readonly complete: boolean;
  readonly test_cases: { readonly generated: number; readonly unique_failures: number };
  readonly errors: readonly unknown[];
};

type Finished = { readonly code: number | string; readonly text: string };

/** Creates a virtual environment with the tool if there is none yet; resolves with the program's path. */
export async function installSchemathesis(signal: AbortSignal): Promise<string> {
  const folder = join(CACHE, VERSION);
  const program = join(folder, 'bin', 'python');
  const complete = `${folder}.installed`;
  if (existsSync(complete)) return program;
  await rm(folder, { recursive: true, force: true });
  await mkdir(CACHE, { recursive: true });
  const made = await run('python3', ['-m', 'venv', folder], signal);
  if (made.code === 'ENOENT') throw new Error('there is no python3; install Python 3.10 or newer');
  if (made.code !== 0) throw new Error(`python3 cannot create a virtual environment: ${made.text.trim()}`);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  const installed = await run(program, [...pip, `schemathesis==${VERSION}`], signal);
  if (installed.code !== 0) throw new Error(`schemathesis cannot be installed: ${installed.text.trim()}`);
  await writeFile(complete, '');
  return program;
}

/** Sends a service the requests of its document, with `token` or without one. Rejects if the tool fails. */
export async function runSchemathesis({
  program,
  url,
  token,
  examples,
  seed,
  reportFile,
  signal,
}: {
  program: string;
  url: string;
  token: string | undefined;
  examples: number;
  seed: number;
  /** An absolute path; this file and what else the tool writes into its folder are not removed. */
  reportFile: string;
  signal: AbortSignal;
}): Promise<Outcome> {
  const { code, text } = await run(
    program,
    [
      ...[
        '-m',
        'schemathesis.cli',
        '--config-file',
        CONFIGURATION,
        '--no-color',
        'run',
        `${url}/openapi.json`,
      ],
      ...['--url', url, '--continue-on-failure', '--warnings', 'off'],
      ...['--max-examples', String(examples), '--seed', String(seed), '--suppress-health-check', 'all'],
      ...['--phases', examples < MIN_COVERAGE_EXAMPLES ? SMALL_PHASES : `${SMALL_PHASES},coverage`],
      ...['--generation-database', 'none', '--report', 'json', '--report-json-path', reportFile],
      ...(token === undefined ? [] : ['--header', `Authorization: Bearer ${token}`]),
    ],
    signal,
    // The tool leaves files where it runs, and Python beside what it reads.
    {
      cwd: dirname(reportFile),
      env: { ...process.env, SCHEMATHESIS_HOOKS: HOOKS, PYTHONDONTWRITEBYTECODE: '1' },
    },
  );
  if (code !== 0 && code !== CHECKS_FAILED) throw new Error(`schemathesis ended with ${code}: ${text}`);
  const report: Report = JSON.parse(await readFile(reportFile, 'utf8'));
  if (!report.complete || report.errors.length > 0) throw new Error(`schemathesis could not finish: ${text}`);
  const { generated, unique_failures: failures } = report.test_cases;
  return { requests: generated, failures, text: failures > 0 ? failuresIn(text) : '' };
}

/** The part of its output between these headings. */
function failuresIn(output: string): string {
  const start = output.search(/^=+ FAILURES =+$/m);
  const end = output.search(/^=+ SUMMARY =+$/m);
  return start < 0 ? output : output.slice(start, end < 0 ? undefined : end);
}

/** Ends the program when `signal` fires, and then rejects. */
const run = (
  program: string,
  words: readonly string[],
  signal: AbortSignal,
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Finished> =>
  new Promise((resolve, reject) => {
    execFile(program, words, { ...options, signal, maxBuffer: MAX_OUTPUT_BYTES }, (error, stdout, stderr) => {
      if (error?.name === 'AbortError') reject(error);
      else resolve({ code: error?.code ?? 0, text: stdout + stderr });
    });
  });
