/** Time that passes only when a test says so: a clock and the timers that go with it. */
import type { Clock } from '../../src/shared/core/clock.ts';
import type { Timers } from '../../src/shared/core/timers.ts';

export interface VirtualTime {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Runs what falls due within `ms`, in order, each task at its own moment; what a task sets may fall due as well. */
  advance(ms: number): void;
  /** The same, and promises settle after every task. */
  advanceAsync(ms: number): Promise<void>;
  /**
   * Lets time pass, one task after another, until `promise` settles.
   * @param longestMs an hour unless given
   * @throws where that does not settle it
   */
  until<Value>(promise: Promise<Value>, longestMs?: number): Promise<Value>;
  /** Timers that are still set. */
  pending(): number;
}

interface Task {
  readonly run: () => void;
  readonly periodMs: number | undefined;
  dueMs: number;
}

/** In every test a wait has a deadline, and it is shorter than this. */
const longestWaitMs = 3_600_000;

/** No test may take the start for zero. */
const startMs = 100_000;
const unixStartMs = Date.UTC(2025, 5, 1, 12);

/**
 * `clock.now()` begins at 100 seconds. Whole milliseconds are exact.
 * @param settle how `until` lets everything happen that a task sets off. Unless given, turns of the event loop pass, in which
 *   files are read too; `promisesRun` is for what has no other waits than promises
 */
export function createVirtualTime(settle: () => Promise<void> = turnTwice): VirtualTime {
  let nowMs = startMs;
  /** In the order in which they were set, which decides between tasks that are due together. */
  const tasks = new Set<Task>();

  function set(delayMs: number, run: () => void, periodMs?: number): () => void {
    const task: Task = { run, periodMs, dueMs: nowMs + delayMs };
    tasks.add(task);
    return () => tasks.delete(task);
  }

  function nextDue(endMs: number): Task | undefined {
    let next: Task | undefined;
    for (const task of tasks) if (task.dueMs <= endMs && task.dueMs < (next?.dueMs ?? Infinity)) next = task;
    return next;
  }

  function runTask(task: Task): void {
    nowMs = task.dueMs;
    tasks.delete(task);
    if (task.periodMs !== undefined) {
      task.dueMs += task.periodMs;
      tasks.add(task);
    }
    task.run();
  }

  return {
    clock: { now: () => nowMs / 1000, unixMs: () => unixStartMs + nowMs - startMs },
    timers: {
      after: (delayMs, task) => set(delayMs, task),
      every: (periodMs, task) => set(periodMs, task, periodMs),
    },
    advance(ms) {
      const endMs = nowMs + ms;
      for (let task = nextDue(endMs); task !== undefined; task = nextDue(endMs)) runTask(task);
      nowMs = endMs;
    },
    async advanceAsync(ms) {
      const endMs = nowMs + ms;
      await promisesSettle();
      for (let task = nextDue(endMs); task !== undefined; task = nextDue(endMs)) {
        runTask(task);
        await promisesSettle();
      }
      nowMs = endMs;
    },
    async until(promise, longestMs = longestWaitMs) {
      const endMs = nowMs + longestMs;
      let isSettled = false;
      const note = () => {
        isSettled = true;
      };
      promise.then(note, note);
      for (;;) {
        await settle();
        if (isSettled) return promise;
        const task = nextDue(endMs);
        if (task === undefined) throw new Error(`what is waited for does not happen within ${longestMs / 1000} s`);
        runTask(task);
      }
    },
    pending: () => tasks.size,
  };
}

/** A worker that evaluates lets a turn of the event loop pass itself. */
async function turnTwice(): Promise<void> {
  await promisesSettle();
  await promisesSettle();
}

/** No promise is left that could go on. The event loop does not turn, which makes this ten times as fast. */
export function promisesRun(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** Everything that needs no more than promises has happened: a turn of the event loop has passed. */
export function promisesSettle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
