/** Commands in a terminal that can be closed: `script` of util-linux holds the other end of a real one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { type StartOptions, startedHere } from './pennygrad.ts';
import { type PrintedText, watchPrinted } from './printed-text.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface Terminal {
  /** What was printed so far. */
  output(): string;
  readonly waitFor: PrintedText['waitFor'];
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
  const printed = watchPrinted(() => text);
  script.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    printed.grow();
  });
  script.on('close', printed.end);
  return {
    output: () => text,
    waitFor: printed.waitFor,
    close: () => script.kill('SIGKILL'),
  };
}
