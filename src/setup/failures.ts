/** Explains why a program that `setup` ran has failed, and what to do about it. */
import type { ProgramResult } from '../engine/run-program.ts';
import { badInput, type PennygradError } from '../shared/core/errors.ts';

const causes: readonly { readonly words: RegExp; readonly reason: string; readonly remedy: string }[] = [
  {
    words: /No space left on device|ENOSPC|Errno 28/,
    reason: 'the disk is full',
    remedy: 'free some space, or set PENNYGRAD_HOME to a folder on another disk',
  },
  {
    words: /ensurepip is not\s+available|No module named '?(ensurepip|venv|pip)/,
    reason: 'this Python lacks venv or pip',
    remedy: 'install them (Debian, Ubuntu: apt install python3-venv), or choose another Python with --python',
  },
  {
    words: /externally-managed-environment/,
    reason: 'this Python belongs to the system, which does not let pip install packages',
    remedy: 'leave out --python to get a virtual environment, or choose one with --venv',
  },
  // If pip cannot reach the registry, it also reports that no version exists, so the network is checked first.
  {
    words:
      /name resolution|NewConnectionError|ConnectTimeoutError|Network is unreachable|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ProxyError|Max retries exceeded/,
    reason: 'the package registry cannot be reached',
    remedy: 'check the network, the proxy, and the registries that pip and npm are configured with',
  },
  {
    words: /No matching distribution found|Could not find a version that satisfies/,
    reason: 'TensorFlow has no wheel for this Python and processor',
    remedy: 'choose another Python with --python (3.10 to 3.13, 64-bit)',
  },
  {
    words: /fatal error: node_api\.h|Could not find node headers|node-gyp.*(getaddrinfo|headers)/s,
    reason: "Node's header files are missing and could not be downloaded",
    remedy: "install Node with its headers (nodejs.org's archives have them; Debian: apt install libnode-dev)",
  },
  {
    words: /fatal error: .*tensorflow\/c\//,
    reason: "the wheel lacks TensorFlow's C header files",
    remedy: 'install a release of TensorFlow into a fresh environment (--venv)',
  },
  {
    words: /EACCES|EPERM|Permission denied/,
    reason: 'a folder cannot be written',
    remedy: 'check its owner and permissions',
  },
];

/** @param what the step that failed: `installing TensorFlow` */
export function explainFailure(what: string, program: string, result: ProgramResult): PennygradError {
  if (result.missing) return badInput(`${what} failed: ${program} is not installed; install it`);
  const output = `${result.stderr}\n${result.stdout}`;
  const known = causes.find(({ words }) => words.test(output));
  const said = lastError(output);
  if (known !== undefined) return badInput(`${what} failed: ${known.reason}; ${known.remedy} (${said})`, output);
  return badInput(`${what} failed: ${program} ended with ${result.code ?? 'a signal'}: ${said}`, output);
}

/** The most informative line: the last one that mentions an error, or else the last one. */
function lastError(output: string): string {
  const lines = output.split('\n').map((line) => line.trim());
  const line = lines.findLast((text) => /error/i.test(text)) ?? lines.findLast((text) => text !== '') ?? 'no output';
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
