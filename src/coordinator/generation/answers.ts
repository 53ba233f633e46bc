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
  /** By rank: with gaps where some ranks are not asked. */
  const answers: Answer[] = [];
  let missing = count;
  const { promise, resolve, reject } = createDeferred<readonly Answer[]>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  return {
    add(rank, answer) {
      if (!(rank in answers)) missing -= 1;
      answers[rank] = answer;
      if (missing > 0) return;
      signal.removeEventListener('abort', abort);
      // Without the gaps.
      resolve(answers.filter(() => true));
    },
    isComplete: () => missing === 0,
    all: promise,
  };
}
