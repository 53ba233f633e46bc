/** Waits for the answers of some ranks. */
import { createDeferred } from '../../shared/core/deferred.ts';

export interface Answers<Answer> {
  add(rank: number, answer: Answer): void;
  isComplete(): boolean;
  /** All answers, in rank order. Rejects with the signal's reason when that is aborted first. */
  readonly all: Promise<readonly Answer[]>;
}

/** @param count answers to wait for */
export function createAnswers<Answer>(count: number, signal: AbortSignal): Answers<Answer> {
  const answers = new Map<number, Answer>();
  const { promise, resolve, reject } = createDeferred<readonly Answer[]>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  return {
    add(rank, answer) {
      answers.set(rank, answer);
      if (answers.size < count) return;
      signal.removeEventListener('abort', abort);
      resolve([...answers].sort(([a], [b]) => a - b).map(([, value]) => value));
    },
    isComplete: () => answers.size >= count,
    all: promise,
  };
}
