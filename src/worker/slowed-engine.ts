/** An engine that stands for a slower one: it computes as fast as ever, and then waits as long as the slower one would. */
import type { Clock } from '../shared/core/clock.ts';
import type { Engine } from '../shared/engine/engine.ts';

/** What timers can do: a shorter wait is put off until it has company, and what one overslept the next makes good. */
const shortestWaitSeconds = 0.001;

/**
 * Everything that costs computing takes `1 / speed` of its time, on the average of many calls. Gradients are handed on
 * only after the wait, all at once: the slower engine would not have them earlier.
 * @param speed as a part of the engine's own, above 0 and up to 1
 * @param sleep for so many milliseconds
 */
export function slowEngineDown(
  engine: Engine,
  speed: number,
  clock: Pick<Clock, 'now'>,
  sleep: (milliseconds: number) => Promise<void>,
): Engine {
  let owed = 0;

  async function stretch<Result>(compute: () => Promise<Result>): Promise<Result> {
    const started = clock.now();
    const result = await compute();
    const computed = clock.now();
    owed += (computed - started) * (1 / speed - 1);
    if (owed >= shortestWaitSeconds) {
      await sleep(owed * 1000);
      owed -= clock.now() - computed;
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
