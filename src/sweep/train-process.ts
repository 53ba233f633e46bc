/** Runs `pennygrad train` as a process of its own, as a user would. */
import { spawn } from 'node:child_process';

export interface TrainExit {
  readonly code: number | null;
  /** The last line that it wrote to stderr. */
  readonly lastWords: string;
}

/** Runs `pennygrad ARGS` to its end. Aborting `signal` ends it as Ctrl-C does, after the current step. */
export type TrainProcess = (args: readonly string[], signal: AbortSignal) => Promise<TrainExit>;

/** @param program path of the compiled command line @param environment environment of the processes */
export function createTrainProcess(program: string, environment: NodeJS.ProcessEnv): TrainProcess {
  return (args, signal) => {
    const child = spawn(process.execPath, [program, ...args], {
      // In a process group of its own, so that Ctrl-C in the terminal reaches only this process, which passes it on once.
      detached: true,
      // If this process ends first, the channel closes and the run ends in an orderly way.
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
