/** Emulates a slower engine: it computes at full speed, then waits for the rest of the time the slower one would take. */
import type { Engine } from '../engine/engine.ts';

/** Shorter waits are added up until they reach this. Time that one wait overslept is taken off the next. */
const shortestWaitSeconds = 0.001;

export interface SlowedTime {
  /** Seconds of a steady clock. */
  now(): number;
  /** Seconds the engine has computed: processor time, or clock time where that is unknown. */
  busySeconds(): number;
  sleep(milliseconds: number): Promise<void>;
}

/**
 * Every computation takes `1 / speed` of its time, on the average of many calls. Gradients are delivered all at once,
 * after the wait: the slower engine would not have them earlier.
 *
 * As under a cgroup's CPU quota, time in which other processes had the processor is not stretched: the slower engine
 * would have a machine of its own. If a call took longer than the slower engine would, later calls do not make up for it.
 * @param speed the share of the engine's own speed, above 0 and up to 1
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
