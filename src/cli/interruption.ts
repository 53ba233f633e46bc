/** Ctrl-C, as people press it: once to end in order, again to end now. */

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
