/** An engine that stands for a slower one: it computes as fast as ever, and then waits as long as the slower one would. */
import type { Engine } from '../engine/engine.ts';

/** What timers can do: a shorter wait is put off until it has company, and what one overslept the next makes good. */
const shortestWaitSeconds = 0.001;

export interface SlowedTime {
  /** Seconds of a steady clock. */
  now(): number;
  /** Seconds that the engine has computed so far: of its processor, or of the clock where that cannot be told. */
  busySeconds(): number;
  sleep(milliseconds: number): Promise<void>;
}

/**
 * Everything that costs computing takes `1 / speed` of its time, on the average of many calls. Gradients are handed on
 * only after the wait, all at once: the slower engine would not have them earlier.
 *
 * Time in which other processes had the processor is not stretched, as with a cgroup's CPU quota: the slower one would
 * have a machine of its own. A call that took longer than even the slower engine is not made good.
 * @param speed as a part of the engine's own, above 0 and up to 1
 */
export function slowEngineDown(engine: Engine, speed: number, { now, busySeconds, sleep }: SlowedTime): Engine {
  let owed = 0;

  async function stretch<Result>(compute: () => Promise<Result>): Promise<Result> {
    const [started, busyBefore] = [now(), busySeconds()];
    const result = await compute();
    const ended = now();
    const elapsed = ended - started;
    const computed = Math.min(elapsed, busySeconds() - busyBefore);
    owed += Math.max(0, computed / speed - elapsed);
    if (owed >= shortestWaitSeconds) {
      await sleep(owed * 1000);
      owed -= now() - ended;
    }
    return result;
  }

  return {
    ...engine,
    computeGradients: (indices, gradients) => stretch(() => engine.computeGradients(indices, gradients)),
    applyGradients: (gradientSum, samples) => stretch(() => engine.applyGradients(gradientSum, samples)),
    evaluate: (split, from, to) => stretch(() => engine.evaluate(split, from, to)),
    predict: (images, count) => stretch(() => engine.predict(images, count)),
  };
}
