/** The processes that a benchmark starts. None outlives it, also when it is interrupted. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Processes {
  start(command: Command): ChildProcessWithoutNullStreams;
  /** What it printed. @throws Error with the last line of its error output if it fails or cannot be started */
  output(command: Command): Promise<string>;
  /** Kills all that still run, with what they started. May be called twice. */
  killAll(): void;
}

export function createProcesses(): Processes {
  const running = new Set<ChildProcessWithoutNullStreams>();

  function start({ program, args, cwd, environment }: Command): ChildProcessWithoutNullStreams {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...environment },
      // A group of its own: the terminal's Ctrl-C reaches the benchmark alone, which ends the whole group.
      detached: true,
    });
    running.add(child);
    child.once('close', () => running.delete(child));
    // A request to a process that has just died: its end is reported by `close`.
    child.stdin.on('error', () => {});
    return child;
  }

  return {
    start,
    output: (command) => outputOf(start(command)),
    killAll() {
      for (const child of running) killGroup(child);
      running.clear();
    },
  };
}

/** Kills a process that `start` made, and what it started. */
export function killGroup({ pid }: { readonly pid?: number | undefined }): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

function outputOf(child: ChildProcessWithoutNullStreams): Promise<string> {
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    printed += chunk;
  });
  const lastWords = listenToLastLine(child);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(printed);
      else reject(new Error(lastWords() ?? `ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}

/** The last line of a process's error output so far: where most programs say why they end. */
export function listenToLastLine(child: ChildProcessWithoutNullStreams): () => string | undefined {
  let tail = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    tail = (tail + chunk).slice(-4000);
  });
  return () => tail.trim().split('\n').at(-1)?.trim() || undefined;
}
