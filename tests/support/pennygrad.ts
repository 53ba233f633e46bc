/** Runs the built command line as a user would: real processes, real sockets. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TestRunner } from 'vitest';
import { type PrintedText, watchPrinted } from './printed-text.ts';
import { temporaryFolder } from './temporary-folder.ts';

export const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

export interface Running {
  readonly child: ChildProcess;
  readonly exit: Promise<Exit>;
  readonly waitFor: PrintedText['waitFor'];
  output(): string;
}

export interface StartOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A command that becomes the program, as `nsenter` does. */
  readonly through?: readonly string[];
}

/** So much is shown of what a process printed before its test failed. */
const tailCharacters = 3000;

/** What runs, and what it has printed so far. */
const running = new Map<ChildProcess, () => string>();

/** For `killAll`: a process that a test has started by other means. */
export function startedHere(child: ChildProcess): void {
  running.set(child, () => '(not recorded)');
  child.on('close', () => running.delete(child));
}

/** For tests of the engines that `pennygrad setup` has installed on this machine. */
export const installedEngines = { PENNYGRAD_HOME: process.env.PENNYGRAD_HOME ?? '' } as const;

/** The home of everybody else: what `--backend auto` takes must not depend on the machine, nor on how busy it is. */
export const noEngines = { PENNYGRAD_HOME: join(tmpdir(), 'no-engines') } as const;

/** Starts `pennygrad ARGS`. Metrics go to a free port unless the arguments say otherwise. */
export function start(args: readonly string[], { cwd, env, through = [] }: StartOptions = {}): Running {
  if (!existsSync(program)) throw new Error(`${program} is missing: run npm run build`);
  const started = performance.now();
  const [command = '', ...rest] = [...through, process.execPath, program, ...args];
  const child = spawn(command, rest, {
    cwd: cwd ?? temporaryFolder(),
    env: { ...process.env, ...noEngines, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  const output = () => text.stdout + text.stderr;
  running.set(child, output);
  const printed = watchPrinted(output);
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
      printed.grow();
    });
  }
  const exit = new Promise<Exit>((resolve) => {
    child.on('close', (code, signal) => {
      running.delete(child);
      printed.end();
      resolve({ code, signal, ...text, seconds: (performance.now() - started) / 1000 });
    });
  });
  return {
    child,
    exit,
    output,
    waitFor: printed.waitFor,
  };
}

/** Runs to the end. */
export function run(args: readonly string[], options?: StartOptions): Promise<Exit> {
  return start(args, options).exit;
}

/** For `afterEach` and `afterAll`: no process lives on, and what a failed test waited for can be told from what they printed. */
export function killAll(): void {
  const hasFailed = TestRunner.getCurrentTest()?.result?.state === 'fail';
  for (const [child, output] of running) {
    if (hasFailed) {
      console.error(`still running: ${child.spawnargs.join(' ')}\n${output().slice(-tailCharacters)}`);
    }
    child.kill('SIGKILL');
  }
}

/** Children of a process, by the kernel's own account. */
export function childrenOf(pid: number): number[] {
  const tasks = `/proc/${pid}/task/${pid}/children`;
  return readFileSync(tasks, 'utf8').trim().split(/\s+/).filter(Boolean).map(Number);
}

/** Whether a process exists and is not merely waiting to be reaped. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
