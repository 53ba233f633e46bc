/** Running another program to its end. */
import { spawn } from 'node:child_process';

export interface ProgramResult {
  /** Exit code; undefined when the program is not there, could not be started or was killed. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** There is no such program on the path. */
  readonly missing: boolean;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Kills it after so long. */
  readonly timeoutMs?: number;
  /** Told of each line that it prints, on either stream. */
  readonly onLine?: (line: string) => void;
}

/** Runs a program without a shell; resolves whatever becomes of it. */
export type RunProgram = (program: string, args: readonly string[], options?: RunOptions) => Promise<ProgramResult>;

export const runProgram: RunProgram = (program, args, { cwd, environment, timeoutMs, onLine } = {}) =>
  new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment ?? process.env,
      cwd,
    });
    // Not spawn's own: where there is no such program, that one goes on and keeps this process alive.
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
      resolve({ code: undefined, stdout: '', stderr: error.message, missing: error.code === 'ENOENT' });
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ ...output, code: code ?? undefined, missing: false });
    });
  });
