/**
 * Workers as child processes of this one, started again when they die. None outlives it: each holds one end of a channel to
 * its parent and exits when the other end closes, which the operating system does even when the parent is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { homeVariable } from '../engine/engine-folder.ts';
import { adapterOf, adapterVariable } from '../engine/webgpu/webgpu-adapters.ts';
import type { Clock } from '../shared/core/clock.ts';
import { messageOf } from '../shared/core/errors.ts';
import type { Timers } from '../shared/core/timers.ts';
import {
  decideRestart,
  isStartedAgain,
  neverRestarted,
  type RestartDecision,
  type RestartRules,
} from './decide-restart.ts';
import { managedVariable } from './managed-variable.ts';
import { preemptWorker } from './preempt-worker.ts';
import { createNotices, type PreemptionPlan } from './preemptions.ts';

export interface LocalWorkers {
  /** Starts none again, waits until all have exited, and kills those that have not after `graceMs`. */
  stop(graceMs: number): Promise<void>;
  /** Kills all of them at once, and starts none again. */
  kill(): void;
  /**
   * The run has lost this worker: a process of it that is still there after `graceMs`, frozen perhaps, is killed, so that
   * another can take its place.
   */
  replace(workerId: string, graceMs: number): void;
}

/** How a worker's process ended, and whether another follows it. */
export interface WorkerExit {
  /** Says how, after "was" where there is no code; includes what it printed last. */
  readonly reason: string;
  /** Null after a signal, and for a process that could not be started. */
  readonly code: number | null;
  readonly restart: RestartDecision;
}

export interface LocalWorkersOptions {
  /** Each with the arguments of its `pennygrad worker`, without `--id`. All its lives have the same. */
  readonly workers: readonly LocalWorkerPlan[];
  /** Further variables of a worker, by its place in `workers`. */
  readonly environment: (localRank: number) => Readonly<Record<string, string>>;
  readonly rules: RestartRules;
  /** Set where workers lose their machines now and then. */
  readonly preemptions?: Preemptions | undefined;
  /** Aborted when the run begins to end: no worker is started again. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Called with each line that a worker prints. */
  readonly onLine: (workerId: string, line: string) => void;
  /** Called when a worker's process is gone, for whatever reason. */
  readonly onGone: (workerId: string) => void;
  /** Called when a worker exits unasked. */
  readonly onExit: (workerId: string, exit: WorkerExit) => void;
  /** The script that takes `worker --id ID …`; the command line of this program unless given. */
  readonly program?: string;
}

export interface Preemptions {
  readonly plan: PreemptionPlan;
  /** Called when a worker is told to leave. */
  readonly onNotice: (workerId: string) => void;
}

export interface LocalWorkerPlan {
  readonly id: string;
  readonly args: readonly string[];
}

const commandLine = fileURLToPath(new URL('../cli/main.js', import.meta.url));

export function launchLocalWorkers(options: LocalWorkersOptions): LocalWorkers {
  const { workers, signal } = options;
  let stopping = false;
  const kept = workers.map((plan, localRank) => keepWorker(plan, localRank, options, () => stopping));
  const startNoneAgain = () => {
    for (const worker of kept) worker.startNotAgain();
  };
  signal.addEventListener('abort', startNoneAgain, { once: true });

  function beginStop(): readonly ChildProcess[] {
    stopping = true;
    startNoneAgain();
    signal.removeEventListener('abort', startNoneAgain);
    return kept.map((worker) => worker.child()).filter((child) => child !== undefined);
  }

  function kill(): void {
    for (const child of beginStop()) if (isRunning(child)) child.kill('SIGKILL');
  }

  return {
    kill,
    replace(workerId, graceMs) {
      const child = kept[workers.findIndex(({ id }) => id === workerId)]?.child();
      if (child === undefined) return;
      options.timers.after(graceMs, () => {
        if (isRunning(child)) child.kill('SIGKILL');
      });
    },
    async stop(graceMs) {
      const children = beginStop();
      const cancelKill = options.timers.after(graceMs, kill);
      await Promise.all(children.map(exited));
      cancelKill();
    },
  };
}

interface KeptWorker {
  /** The process of its present or last life; undefined if it could not be started. */
  child(): ChildProcess | undefined;
  /** Cancels a restart that is due, and a preemption. */
  startNotAgain(): void;
}

/** Starts a worker, and starts it again as `decideRestart` says. */
function keepWorker(
  plan: LocalWorkerPlan,
  localRank: number,
  options: LocalWorkersOptions,
  isStopping: () => boolean,
): KeptWorker {
  const { rules, preemptions, signal, clock, timers, onExit } = options;
  const nextNotice = preemptions && createNotices(preemptions.plan, localRank);
  let past = neverRestarted;
  let child: ChildProcess | undefined;
  let cancelRestart = () => {};
  let cancelPreemption = () => {};

  function start(): void {
    const startedAt = clock.now();
    let replacedAfterMs: number | undefined;
    const started = startProcess(plan, localRank, options, (reason, code) => {
      cancelPreemption();
      if (isStopping()) return;
      const life = { code, seconds: clock.now() - startedAt, stopping: signal.aborted, replacedAfterMs };
      const restart = decideRestart(life, past, rules);
      onExit(plan.id, { reason, code, restart });
      // Whoever was told may have stopped everything.
      if (!isStartedAgain(restart) || isStopping()) return;
      if (restart.kind === 'restart') past = { count: past.count + 1, delayMs: restart.delayMs };
      cancelRestart = timers.after(restart.delayMs, start);
    });
    child = started;
    if (started === undefined || preemptions === undefined || nextNotice === undefined) return;
    const { noticeSeconds, backSeconds } = preemptions.plan;
    const onNotice = () => {
      replacedAfterMs = backSeconds * 1000;
      preemptions.onNotice(plan.id);
    };
    // Before its first line a worker does not know the signal yet, which would make Node listen for a debugger.
    started.stdout?.once('data', () => {
      if (!isRunning(started) || isStopping()) return;
      const coming = { afterSeconds: nextNotice(), noticeSeconds, onNotice };
      cancelPreemption = preemptWorker(started, coming, timers, isRunning);
    });
  }

  start();
  return {
    child: () => child,
    startNotAgain() {
      cancelRestart();
      cancelPreemption();
    },
  };
}

/** @param onEnd called once, when the process and its output have ended, or when there is none */
function startProcess(
  { id, args }: LocalWorkerPlan,
  localRank: number,
  { environment, onLine, onGone, program = commandLine }: LocalWorkersOptions,
  onEnd: (reason: string, code: number | null) => void,
): ChildProcess | undefined {
  const notStarted = (error: unknown) => onEnd(`not started: ${messageOf(error)}`, null);
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [program, 'worker', '--id', id, ...args], {
      // In its own process group, so that Ctrl-C reaches only the parent, which stops the workers in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...workerEnvironment(process.env, localRank), ...environment(localRank) },
    });
  } catch (error) {
    notStarted(error);
    return undefined;
  }
  let lastWords = '';
  readLines(child, (line) => {
    lastWords = line;
    onLine(id, line);
  });
  // Other errors are about a process that runs, whose end is yet to come.
  child.on('error', (error) => {
    if (child.pid === undefined) notStarted(error);
  });
  child.on('exit', () => onGone(id));
  // Not on `exit`: the last output may not have been read by then.
  child.on('close', (code, signal) => {
    if (child.pid === undefined) return;
    onEnd(signal === null ? `exited with code ${code}: ${lastWords}` : `killed by ${signal}`, code);
  });
  return child;
}

/** Variables that have no flag. */
const passedOn: readonly string[] = ['PENNYGRAD_WASM_SIMD', homeVariable];

/**
 * Leaves out the variables of settings: a worker is told its settings by flags. Where there are several WebGPU adapters,
 * each worker gets one of them in turn.
 */
export function workerEnvironment(environment: NodeJS.ProcessEnv, localRank: number): NodeJS.ProcessEnv {
  const passed = Object.entries(environment).filter(
    ([name]) => !name.startsWith('PENNYGRAD_') || passedOn.includes(name),
  );
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
