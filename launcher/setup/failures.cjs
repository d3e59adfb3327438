/** Why the dependencies could not be installed; each error is one line that says what to do. */
'use strict';

class SetupFailure extends Error {}

const MAX_LINE_CHARACTERS = 500;

/** For an error of the file system, such as a `root` that cannot be written. */
function fileFailure(root, { code, message }) {
  const hindrance = hindranceOf(root, code ?? '');
  return new SetupFailure(
    hindrance ?? `the dependencies could not be installed in ${root}: ${oneLine(message)}`,
  );
}

/** For npm's error output, or for an npm that could not run. */
function npmFailure(root, { signal, error, stderr }) {
  if (error?.code === 'ENOENT' || error?.code === 'EACCES') {
    return new SetupFailure(`npm could not be run (${error.code}); it comes with Node, see nodejs.org`);
  }
  if (error) return new SetupFailure(`npm ci failed: ${oneLine(error.message)}`);
  if (signal) {
    const why = signal === 'SIGKILL' ? ', as the system does when the memory is full' : '';
    return new SetupFailure(`npm ci was ended by ${signal}${why}; try again`);
  }
  const { code, told } = readNpmErrors(stderr);
  const known = UNREACHABLE.test(stderr) ? REGISTRY_AWAY : (hindranceOf(root, code) ?? KNOWN[code]);
  return new SetupFailure(known ?? `npm ci failed${code && ` (${code})`}: ${told || 'it said nothing'}`);
}

const UNREACHABLE =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ECONNABORTED|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|EPROTO|ENOTCACHED|ERR_SOCKET_TIMEOUT|EIDLETIMEOUT|FETCH_ERROR)\b/;
const REGISTRY_AWAY =
  "npm's registry cannot be reached; see to the network, or to npm's settings registry, proxy and offline, and try again";
const NOT_TRUSTED =
  "npm does not trust the certificate of its registry; name your network's authority by npm's setting cafile";
const NOT_LET_IN =
  "npm's registry asks for a login; log in (npm login), or name another by npm's setting registry";

const KNOWN = {
  EUSAGE:
    'package-lock.json does not fit the package.json files; take both from one commit (git status), or, after a change, ' +
    'run npm install',
  EJSONPARSE: 'package.json or package-lock.json is not whole JSON; is a merge not finished (git status)?',
  SELF_SIGNED_CERT_IN_CHAIN: NOT_TRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: NOT_TRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOT_TRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NOT_TRUSTED,
  CERT_HAS_EXPIRED: NOT_TRUSTED,
  CERT_NOT_YET_VALID: NOT_TRUSTED,
  E401: NOT_LET_IN,
  ENEEDAUTH: NOT_LET_IN,
  E403: "npm's registry refuses a package (403); name another registry by npm's setting registry",
  E404: "npm's registry lacks a package (404); name another registry by npm's setting registry",
  ETARGET: "npm's registry lacks a version, or npm's setting before leaves it out; see npm config list",
  EINTEGRITY:
    'a package is not the one that package-lock.json names; run npm cache clean --force, and try again',
  EBADPLATFORM: `there is no package for this platform (${process.platform}-${process.arch})`,
};

/** Why the file system refuses, by the error's code; undefined for any other code. */
function hindranceOf(root, code) {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return `${root} cannot be written by this user; the dependencies are installed there, in node_modules`;
    case 'EROFS':
      return `${root} is on a read-only file system; the dependencies are installed there, in node_modules`;
    case 'ENOSPC':
    case 'EDQUOT':
      return `the disk of ${root} or of npm's cache is full; the dependencies take 600 MB`;
    case 'ENOTDIR':
    case 'EEXIST':
      return `${root}/node_modules is not a folder, or holds a file where one is to be; remove it, and try again`;
    default:
      return undefined;
  }
}

/** For an npm that installed everything, but whose Node does not run. */
function nodeFailure(root, { version, code, said, wanted }) {
  const file = `${root}/node_modules/.bin/node`;
  if (code === 'EACCES') {
    return new SetupFailure(
      `${file} may not be run; is the file system mounted with noexec? Move the folder`,
    );
  }
  if (version) {
    return new SetupFailure(
      `${file} is ${version.trim()}, not ${wanted}x; take package.json and package-lock.json from one commit`,
    );
  }
  const platform = `${process.platform}-${process.arch}${usesMusl() ? ' with musl' : ''}`;
  const told = oneLine(said);
  return new SetupFailure(
    `npm brought no Node that runs on ${platform}${told && ` (${told})`}; Micromart runs on Linux (glibc) and macOS, ` +
      'each x64 and arm64',
  );
}

/** Node's programs for Linux need glibc; Alpine, for example, has another library. */
const usesMusl = () =>
  process.platform === 'linux' && process.report.getReport().header.glibcVersionRuntime === undefined;

/** npm's error code, and the first line that says more; each starts with "npm error", in older versions with "npm ERR!". */
function readNpmErrors(stderr) {
  const lines = stderr
    .split('\n')
    .map((line) => line.replace(/^npm (error|ERR!) ?/, '').trim())
    .filter((line) => line !== '');
  const code = /^code (\S+)/.exec(lines.find((line) => line.startsWith('code ')) ?? '')?.[1] ?? '';
  const told = lines.find((line) => !/^(code|errno|syscall|path|dest) /.test(line)) ?? '';
  return { code, told: oneLine(told) };
}

const oneLine = (text) => text.trim().split('\n')[0].slice(0, MAX_LINE_CHARACTERS);

module.exports = { SetupFailure, fileFailure, nodeFailure, npmFailure };
