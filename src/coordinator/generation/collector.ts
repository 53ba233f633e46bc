/** Waits for one answer from every rank. */
export interface Collector<Answer> {
  /** Returns false, and changes nothing, if this rank has answered already. */
  offer(rank: number, answer: Answer): boolean;
  /** All answers, in rank order. */
  readonly all: Promise<readonly Answer[]>;
  fail(error: Error): void;
}

export function createCollector<Answer>(worldSize: number): Collector<Answer> {
  const answers = new Map<number, Answer>();
  const { promise, resolve, reject } = promiseWithResolvers<readonly Answer[]>();
  // A failure reaches whoever waits; nobody may be waiting yet.
  promise.catch(() => {});
  return {
    offer(rank, answer) {
      if (answers.has(rank)) return false;
      answers.set(rank, answer);
      if (answers.size === worldSize) resolve([...answers].sort(([a], [b]) => a - b).map(([, value]) => value));
      return true;
    },
    all: promise,
    fail: reject,
  };
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function promiseWithResolvers<Value>() {
  let resolve!: (value: Value) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<Value>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
