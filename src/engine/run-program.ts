/** Runs another program and waits until it ends. */
import { spawn } from 'node:child_process';

export interface ProgramResult {
  /** Exit code; undefined if the program could not be started or was killed. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** The program is not on the path. */
  readonly missing: boolean;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** The program is killed after this time. */
  readonly timeoutMs?: number;
  /** Called with each line that it prints, on either stream. */
  readonly onLine?: (line: string) => void;
}

/** Runs a program without a shell. Never rejects: the result says what happened. */
export type RunProgram = (program: string, args: readonly string[], options?: RunOptions) => Promise<ProgramResult>;

/** EACCES: some folder of the path is closed to this user, and no other has the program. */
const notFound: ReadonlySet<unknown> = new Set(['ENOENT', 'EACCES']);

export const runProgram: RunProgram = (program, args, { cwd, environment, timeoutMs, onLine } = {}) =>
  new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment ?? process.env,
      cwd,
    });
    // spawn's own timeout keeps this process alive when the program does not exist.
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      let rest = '';
      child[stream].setEncoding('utf8').on('data', (chunk: string) => {
        output[stream] += chunk;
        const lines = (rest + chunk).split(/[\r\n]+/);
        rest = lines.pop() ?? '';
        for (const line of lines) if (line.trim() !== '') onLine?.(line.trim());
      });
    }
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      resolve({ code: undefined, stdout: '', stderr: error.message, missing: notFound.has(error.code) });
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ ...output, code: code ?? undefined, missing: false });
    });
  });
