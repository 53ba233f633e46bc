/** Initial parameters, the same bits on every engine: drawn here rather than by tfjs, whose backends draw their own. */
import { createRandom } from '../core/random.ts';

/** Keeps the initial parameters apart from the other things that the run's seed decides. */
const initializationStream = 0x1a_17_1a_1e;

/**
 * Kernels from the Glorot uniform distribution, U(−l, l) with l = √(6 / (fan in + fan out)) (Glorot and Bengio, 2010,
 * equation 16); biases zero. Each variable has a random sequence of its own, so that it does not depend on the others.
 * @param shapes of the model's variables in layer order; those of rank 1 are biases
 * @returns one flat vector
 */
export function initialParameters(shapes: readonly (readonly number[])[], seed: number): Float32Array {
  const parameters = new Float32Array(shapes.reduce((sum, shape) => sum + sizeOf(shape), 0));
  let offset = 0;
  shapes.forEach((shape, index) => {
    const size = sizeOf(shape);
    if (shape.length > 1) {
      const random = createRandom(seed, initializationStream, index);
      const limit = Math.sqrt(6 / (fanIn(shape) + fanOut(shape)));
      for (let i = offset; i < offset + size; i++) parameters[i] = (2 * random.float() - 1) * limit;
    }
    offset += size;
  });
  return parameters;
}

/** Inputs of one unit: filter taps × input channels, or the rows of a dense kernel. */
function fanIn(shape: readonly number[]): number {
  return sizeOf(shape.slice(0, -1));
}

/** Units that one input feeds: filter taps × output channels, or the columns of a dense kernel. */
function fanOut(shape: readonly number[]): number {
  return sizeOf(shape.slice(0, -2)) * (shape.at(-1) ?? 1);
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}
