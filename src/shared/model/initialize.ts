/** Initial parameters that are bit-identical on every engine, unlike those that tfjs's backends would draw. */
import { createRandom } from '../core/random.ts';

/** Separates this random sequence from others with the same seed. */
const initializationStream = 0x1a_17_1a_1e;

/**
 * Draws kernels from the Glorot uniform distribution, U(−l, l) with l = √(6 / (fan in + fan out)) (Glorot and Bengio,
 * 2010, equation 16). Biases are zero. Each variable has its own random sequence, so that it does not depend on the
 * others.
 * @param shapes the model's variables in layer order; those of rank 1 are biases
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

/** How many inputs a unit has: filter taps × input channels, or the rows of a dense kernel. */
function fanIn(shape: readonly number[]): number {
  return sizeOf(shape.slice(0, -1));
}

/** How many units an input feeds: filter taps × output channels, or the columns of a dense kernel. */
function fanOut(shape: readonly number[]): number {
  return sizeOf(shape.slice(0, -2)) * (shape.at(-1) ?? 1);
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}
