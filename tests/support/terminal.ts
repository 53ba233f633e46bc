/** Commands in a terminal that can be closed: `script` of util-linux holds the other end of a real one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { type StartOptions, startedHere } from './pennygrad.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface Terminal {
  /** What was printed so far. */
  output(): string;
  /** Resolves with the first match in what was printed so far or will be. */
  waitFor(pattern: RegExp): Promise<RegExpMatchArray>;
  /** Closes the terminal, as when its window is closed or its connection breaks: the system hangs up on its processes. */
  close(): void;
}

/** Runs a line of shell in a new terminal. */
export function openTerminal(line: string, { cwd = temporaryFolder(), env }: StartOptions = {}): Terminal {
  const script: ChildProcess = spawn('script', ['-qec', line, '/dev/null'], {
    cwd,
    env: { ...process.env, SHELL: '/bin/sh', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  startedHere(script);
  let text = '';
  const watchers = new Set<() => void>();
  script.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    for (const watcher of watchers) watcher();
  });
  const ended = new Promise<void>((resolve) => {
    script.on('close', () => resolve());
  });
  return {
    output: () => text,
    waitFor(pattern) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const match = text.match(pattern);
          if (match === null) return;
          watchers.delete(look);
          resolve(match);
        };
        watchers.add(look);
        look();
        void ended.then(() => reject(new Error(`ended without printing ${pattern}:\n${text}`)));
      });
    },
    close: () => script.kill('SIGKILL'),
  };
}
