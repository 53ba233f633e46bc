/**
 * Workers as child processes of this one. None outlives it: each holds one end of a channel to its parent and ends
 * itself when the other end closes, which the system does even for a parent that was killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface LocalWorkers {
  /** Resolves when all have exited; kills those that have not after `graceMs`. */
  stop(graceMs: number): Promise<void>;
  /** Kills all at once. */
  kill(): void;
}

export interface LocalWorkersOptions {
  /** Each with the arguments of its `pennygrad worker`; `--id` is added. */
  readonly workers: readonly { readonly id: string; readonly args: readonly string[] }[];
  /** A worker's output, line by line. */
  readonly onLine: (workerId: string, line: string) => void;
  /** A worker exited on its own: by a signal, or with a code. `reason` is in words, with what it printed last. */
  readonly onExit: (workerId: string, exit: { readonly reason: string; readonly code: number | null }) => void;
}

/** Tells a worker that its parent manages it. */
export const managedVariable = 'PENNYGRAD_MANAGED';

const program = fileURLToPath(new URL('./main.js', import.meta.url));

export function launchLocalWorkers({ workers, onLine, onExit }: LocalWorkersOptions): LocalWorkers {
  let stopping = false;
  const children = workers.map(({ id, args }) => {
    const child = spawn(process.execPath, [program, 'worker', '--id', id, ...args], {
      // A process group of its own: the terminal's Ctrl-C reaches the parent alone, which stops workers in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: workerEnvironment(process.env),
    });
    let lastWords = '';
    readLines(child, (line) => {
      lastWords = line;
      onLine(id, line);
    });
    child.on('error', (error) => onExit(id, { reason: `could not be started: ${error.message}`, code: null }));
    // Not `exit`: what it printed last may still be on its way then.
    child.on('close', (code, signal) => {
      if (stopping) return;
      const reason = signal === null ? `exited with code ${code}: ${lastWords}` : `killed by ${signal}`;
      onExit(id, { reason, code });
    });
    return child;
  });

  function kill(): void {
    stopping = true;
    for (const child of children) if (isRunning(child)) child.kill('SIGKILL');
  }

  return {
    kill,
    async stop(graceMs) {
      stopping = true;
      const timer = setTimeout(kill, graceMs);
      await Promise.all(children.map(exited));
      clearTimeout(timer);
    },
  };
}

/** Settings come as flags: this process's variables must not overrule them. */
function workerEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(
    ([name]) => !name.startsWith('PENNYGRAD_') || name === 'PENNYGRAD_WASM_SIMD',
  );
  return { ...Object.fromEntries(kept), [managedVariable]: '1' };
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

function exited(child: ChildProcess): Promise<void> {
  return isRunning(child) ? new Promise((resolve) => child.once('exit', () => resolve())) : Promise.resolve();
}

function readLines(child: ChildProcess, onLine: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') onLine(line);
    });
    stream?.on('end', () => {
      if (rest !== '') onLine(rest);
    });
  }
}
