/** Holds each thing for the same time, and lets them go in the order in which they came. */

export interface DelayLineOptions<Item> {
  readonly delaySeconds: number;
  /** Seconds of a steady clock. */
  readonly now: () => number;
  /** Calls the task once, at that moment of the clock and not before. */
  readonly callAt: (seconds: number, task: () => void) => void;
  readonly deliver: (item: Item) => void;
}

export interface DelayLine<Item> {
  push(item: Item): void;
}

/** As much as comes may be held: a long link has room for what is under way on it. */
export function createDelayLine<Item>({ delaySeconds, now, callAt, deliver }: DelayLineOptions<Item>): DelayLine<Item> {
  const held: { readonly item: Item; readonly due: number }[] = [];

  function letGo(): void {
    for (let [next] = held; next !== undefined && next.due <= now(); [next] = held) {
      held.shift();
      deliver(next.item);
    }
    const [next] = held;
    if (next !== undefined) callAt(next.due, letGo);
  }

  return {
    push(item) {
      const due = now() + delaySeconds;
      held.push({ item, due });
      // Otherwise the one before it will see to it.
      if (held.length === 1) callAt(due, letGo);
    },
  };
}

/** `performance.now()`, in seconds. */
export const steadySeconds = () => performance.now() / 1000;

/** Longer than a timer of Node is late where nothing else runs, in seconds. */
const timerTolerance = 0.002;

/**
 * `callAt` for `steadySeconds`. Timers of Node count in milliseconds, so the rest of the time passes in turns of the event loop,
 * which take a processor but hear what else comes.
 */
export function callAtSteadySecond(seconds: number, task: () => void): void {
  const left = seconds - steadySeconds();
  if (left <= 0) setImmediate(task);
  else if (left > timerTolerance) setTimeout(callAtSteadySecond, 1000 * (left - timerTolerance), seconds, task);
  else setImmediate(callAtSteadySecond, seconds, task);
}
