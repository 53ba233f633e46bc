/**
 * Workers as child processes of this one. None outlives it: each holds one end of a channel to its parent and ends
 * itself when the other end closes, which the system does even for a parent that was killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { homeVariable } from '../engine/engine-folder.ts';
import { adapterOf, adapterVariable } from '../engine/webgpu/webgpu-adapters.ts';

export interface LocalWorkers {
  /** Resolves when all have exited; kills those that have not after `graceMs`. */
  stop(graceMs: number): Promise<void>;
  /** Kills all at once. */
  kill(): void;
}

export interface LocalWorkersOptions {
  /** Each with the arguments of its `pennygrad worker`; `--id` is added. */
  readonly workers: readonly { readonly id: string; readonly args: readonly string[] }[];
  /** Variables that a worker gets besides, by its place among `workers`. */
  readonly environment: (localRank: number) => Readonly<Record<string, string>>;
  /** A worker's output, line by line. */
  readonly onLine: (workerId: string, line: string) => void;
  /** A worker's process is gone, for whatever reason. */
  readonly onGone: (workerId: string) => void;
  /** A worker exited on its own: by a signal, or with a code. `reason` is in words, with what it printed last. */
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
      // A process group of its own: the terminal's Ctrl-C reaches the parent alone, which stops workers in order.
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

/** Variables that no flag stands for. */
const kept: readonly string[] = ['PENNYGRAD_WASM_SIMD', homeVariable];

/**
 * Settings come as flags: this process's variables must not overrule them. Of several WebGPU
 * adapters each worker gets one, in turn.
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
