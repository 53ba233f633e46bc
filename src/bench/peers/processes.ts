/** The processes that a benchmark starts. They end with it, even if it is interrupted. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Processes {
  start(command: Command): ChildProcessWithoutNullStreams;
  /** Runs a command and returns what it printed. @throws Error with its last line on stderr if it fails */
  output(command: Command): Promise<string>;
  /** Kills all processes that still run, and their children. A second call does nothing. */
  killAll(): void;
}

export function createProcesses(): Processes {
  const running = new Set<ChildProcessWithoutNullStreams>();

  function start({ program, args, cwd, environment }: Command): ChildProcessWithoutNullStreams {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...environment },
      // A process group of its own, so that Ctrl-C only reaches the benchmark, which then ends the group.
      detached: true,
    });
    running.add(child);
    child.once('close', () => running.delete(child));
    // Ignored: a write to a process that has just died fails, and `close` reports its end.
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

/** Kills a process that `start` created, and its children. */
export function killGroup({ pid }: { readonly pid?: number | undefined }): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // It has already ended.
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

/** The last line that a process has printed on stderr, where most programs say why they end. */
export function listenToLastLine(child: ChildProcessWithoutNullStreams): () => string | undefined {
  let tail = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    tail = (tail + chunk).slice(-4000);
  });
  return () => tail.trim().split('\n').at(-1)?.trim() || undefined;
}
