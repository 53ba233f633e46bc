/**
 * Workers as child processes of this one. None outlives it: each holds one end of a channel to its parent and exits when
 * the other end closes, which the operating system does even when the parent is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { homeVariable } from '../engine/engine-folder.ts';
import { adapterOf, adapterVariable } from '../engine/webgpu/webgpu-adapters.ts';

export interface LocalWorkers {
  /** Waits until all have exited, and kills those that have not after `graceMs`. */
  stop(graceMs: number): Promise<void>;
  /** Kills all of them at once. */
  kill(): void;
}

export interface LocalWorkersOptions {
  /** Each with the arguments of its `pennygrad worker`, without `--id`. */
  readonly workers: readonly { readonly id: string; readonly args: readonly string[] }[];
  /** Further variables of a worker, by its place in `workers`. */
  readonly environment: (localRank: number) => Readonly<Record<string, string>>;
  /** Called with each line that a worker prints. */
  readonly onLine: (workerId: string, line: string) => void;
  /** Called when a worker's process is gone, for whatever reason. */
  readonly onGone: (workerId: string) => void;
  /** Called when a worker exits unasked. `code` is null after a signal; `reason` includes what it printed last. */
  readonly onExit: (workerId: string, exit: { readonly reason: string; readonly code: number | null }) => void;
}

/** Tells a worker that its parent manages it. */
export const managedVariable = 'PENNYGRAD_MANAGED';

const program = fileURLToPath(new URL('../cli/main.js', import.meta.url));

export function launchLocalWorkers({
  workers,
  environment,
  onLine,
  onGone,
  onExit,
}: LocalWorkersOptions): LocalWorkers {
  let stopping = false;
  const children = workers.map(({ id, args }, localRank) => {
    const child = spawn(process.execPath, [program, 'worker', '--id', id, ...args], {
      // In its own process group, so that Ctrl-C reaches only the parent, which stops the workers in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...workerEnvironment(process.env, localRank), ...environment(localRank) },
    });
    let lastWords = '';
    readLines(child, (line) => {
      lastWords = line;
      onLine(id, line);
    });
    child.on('error', (error) => onExit(id, { reason: `could not be started: ${error.message}`, code: null }));
    child.on('exit', () => onGone(id));
    // Not on `exit`: the last output may not have been read by then.
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

/** Variables that have no flag. */
const kept: readonly string[] = ['PENNYGRAD_WASM_SIMD', homeVariable];

/**
 * Leaves out the variables of settings: a worker is told its settings by flags. Where there are several WebGPU adapters,
 * each worker gets one of them in turn.
 */
export function workerEnvironment(environment: NodeJS.ProcessEnv, localRank: number): NodeJS.ProcessEnv {
  const passed = Object.entries(environment).filter(([name]) => !name.startsWith('PENNYGRAD_') || kept.includes(name));
  const adapter = adapterOf(environment, localRank);
  return {
    ...Object.fromEntries(passed),
    ...(adapter === undefined ? {} : { [adapterVariable]: adapter }),
    [managedVariable]: '1',
  };
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
