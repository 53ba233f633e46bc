/** Ctrl-C: once to stop in order, again to stop at once. */
import { exitCodes } from '../shared/core/errors.ts';

export interface Interruption {
  /** Aborted by the first Ctrl-C or SIGTERM, and by the end of a parent that holds a channel to this process. */
  readonly signal: AbortSignal;
  /** Stops listening. May be called twice. */
  dispose(): void;
}

/** @param onFirst tells the user what happens now; @param onSecond must end the process */
export function listenForInterruption(onFirst: () => void, onSecond: () => void): Interruption {
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) {
      onSecond();
      return;
    }
    controller.abort();
    onFirst();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, interrupt);
  process.on('disconnect', interrupt);
  return {
    signal: controller.signal,
    dispose() {
      for (const signal of signals) process.off(signal, interrupt);
      process.off('disconnect', interrupt);
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
