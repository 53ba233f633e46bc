/** Ctrl-C, as people press it: once to end in order, again to end now. */
import { exitCodes } from '../shared/core/errors.ts';

export interface Interruption {
  /** Aborted by the first Ctrl-C or SIGTERM, and by the end of a parent that holds a channel to this process. */
  readonly signal: AbortSignal;
  /** Listens no more. May be called twice. */
  dispose(): void;
}

/** @param onFirst tells the user what happens now; @param onSecond must end the process at once */
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
  /** What a second Ctrl-C does, as the first one says it. */
  readonly secondDoes: string;
  /** Ends what would outlive this process. */
  readonly kill?: () => void;
}

/**
 * Runs training so that Ctrl-C finishes the step in flight, and a second one ends this process at once. After the run
 * has ended the first one says nothing, and the second keeps the exit code of the run.
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
