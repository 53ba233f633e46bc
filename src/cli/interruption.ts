/** What ends a command from outside: Ctrl-C once to stop in order, again to stop at once; a hang-up; a lost reader. */
import { exitCodes } from '../shared/core/errors.ts';
import { hasTerminal } from './terminal.ts';

export interface Interruption {
  /** Aborted by the first Ctrl-C or SIGTERM, and by whatever else ends a command in order. */
  readonly signal: AbortSignal;
  /** Stops listening. May be called twice. */
  dispose(): void;
}

/** Whoever ends in order when nobody reads the output any more. */
const readers = new Set<() => void>();

/**
 * Nobody reads the output any more (`| head`, a closed terminal).
 * @returns whether a command ends in order because of it; otherwise nothing is worth going on for
 */
export function loseReader(): boolean {
  for (const lose of readers) lose();
  return readers.size > 0;
}

/**
 * Without a terminal there is nothing to hang up: what runs under `nohup`, `setsid` or a service manager goes on. (Node
 * clears the mark that `nohup` sets, so it cannot be looked at.)
 */
export function surviveHangUps(): void {
  if (!hasTerminal()) process.on('SIGHUP', () => {});
}

/**
 * Only a second Ctrl-C or SIGTERM ends the process at once. When a terminal closes, a hang-up and a write that fails come
 * together, and neither is an order to hurry. The end of a parent that holds a channel to this process is none either.
 * @param onFirst tells the user what happens now; @param onSecond must end the process
 * @param signals that interrupt
 */
export function listenForInterruption(
  onFirst: () => void,
  onSecond: () => void,
  signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'],
): Interruption {
  const controller = new AbortController();
  const end = () => {
    if (controller.signal.aborted) return;
    controller.abort();
    onFirst();
  };
  const interrupt = () => {
    if (controller.signal.aborted) onSecond();
    else end();
  };
  const listeners = [
    ...signals.map((signal) => [signal, interrupt] as const),
    ['disconnect', end],
    ...(hasTerminal() ? [['SIGHUP', end] as const] : []),
  ] as const;
  for (const [event, listener] of listeners) process.on(event, listener);
  readers.add(end);
  return {
    signal: controller.signal,
    dispose() {
      for (const [event, listener] of listeners) process.off(event, listener);
      readers.delete(end);
    },
  };
}

export interface InterruptibleRun {
  readonly signal: AbortSignal;
  /** The run is over and its result is printed; the process may still wait for a last scrape. */
  readonly onEnd: (exitCode: number) => void;
}

export interface RunInterruption {
  readonly note: (line: string) => void;
  /** What a second Ctrl-C does, for the note at the first: 'kills at once'. */
  readonly secondDoes: string;
  /** Ends whatever would outlive this process. */
  readonly kill?: () => void;
}

/**
 * Runs training until its end. Ctrl-C finishes the step in flight, and a second one ends this process. Once the run has
 * ended the first Ctrl-C prints no note, and the second one exits with the code of the run.
 * @returns the exit code
 */
export async function runInterruptibly(
  { note, secondDoes, kill }: RunInterruption,
  run: (interruptible: InterruptibleRun) => Promise<void>,
): Promise<number> {
  let exitCode: number | undefined;
  const interruption = listenForInterruption(
    () => {
      if (exitCode === undefined) note(`stopping after the step in flight; Ctrl-C again ${secondDoes}`);
    },
    () => {
      kill?.();
      process.exit(exitCode ?? exitCodes.interrupted);
    },
  );
  try {
    await run({
      signal: interruption.signal,
      onEnd(code) {
        exitCode = code;
      },
    });
    return exitCode ?? exitCodes.runFailed;
  } finally {
    interruption.dispose();
  }
}
