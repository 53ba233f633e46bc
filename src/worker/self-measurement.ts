/**
 * How fast this worker computes gradients, measured before it is ready: so the first shares of unequal workers fit them, and
 * what an engine does only once (compiling, allocating) is done before anybody waits for it.
 */
import type { Engine } from '../engine/engine.ts';
import type { Clock } from '../shared/core/clock.ts';

/** The batches grow from one sample, which takes the reference engine half a second of the CNN, up to this many. */
const largestBatch = 64;
/** A batch that takes so long says enough. In seconds. */
const longEnough = 0.03;

/**
 * Nothing of the replica changes.
 * @returns samples per second; undefined where the clock saw no time pass
 */
export async function measureSpeed(
  engine: Pick<Engine, 'computeGradients' | 'parameterCount'>,
  trainCount: number,
  { now }: Pick<Clock, 'now'>,
): Promise<number | undefined> {
  const gradients = new Float32Array(engine.parameterCount);
  let speed: number | undefined;
  // The first of two equal batches does what is done only once.
  for (let size = 1, isFirst = true; ; isFirst = false) {
    const began = now();
    await engine.computeGradients(
      Uint32Array.from({ length: size }, (_, index) => index),
      gradients,
    );
    const seconds = now() - began;
    if (isFirst) continue;
    if (seconds > 0) speed = size / seconds;
    if (seconds >= longEnough || size >= largestBatch || size >= trainCount) return speed;
    size = Math.min(2 * size, trainCount);
  }
}
