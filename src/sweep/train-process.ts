/** A run as a process of its own, as a user would start it. */
import { spawn } from 'node:child_process';

export interface TrainExit {
  readonly code: number | null;
  /** The last line it wrote to stderr. */
  readonly lastWords: string;
}

/** Runs `pennygrad ARGS` to its end. The first abort of `signal` ends it as Ctrl-C does: after its step. */
export type TrainProcess = (args: readonly string[], signal: AbortSignal) => Promise<TrainExit>;

/** @param program the compiled command line; @param environment of the processes */
export function createTrainProcess(program: string, environment: NodeJS.ProcessEnv): TrainProcess {
  return (args, signal) => {
    const child = spawn(process.execPath, [program, ...args], {
      // A process group of its own: the terminal's Ctrl-C reaches this process alone, which passes it on once.
      detached: true,
      // The channel ends it in order if this process ends first.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: environment,
    });
    let text = '';
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-10_000);
    });
    const interrupt = () => child.kill('SIGINT');
    signal.addEventListener('abort', interrupt);
    if (signal.aborted) interrupt();
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, killedBy) => {
        signal.removeEventListener('abort', interrupt);
        const words = text.trim().split('\n').at(-1) || (killedBy === null ? 'said nothing' : `killed by ${killedBy}`);
        resolve({ code, lastWords: words.replace(/^pennygrad: /, '') });
      });
    });
  };
}
