/** How many parameters a model has, without building it: processes that hold no model size their buffers by it. */
import type { ModelName, ModelSpec } from './model-spec.ts';

/** @returns the length of the flat parameter vector, in floats */
export function parameterCount({ name, inputShape, classes }: ModelSpec): number {
  return counts[name](inputShape, classes);
}

type Count = (inputShape: ModelSpec['inputShape'], classes: number) => number;

/** As `zoo.ts` builds them. */
const counts: Readonly<Record<ModelName, Count>> = {
  cnn: ([height, width, channels], classes) => {
    const flat = 64 * afterConvolutions(height) * afterConvolutions(width);
    return convolution(channels, 32) + convolution(32, 64) + convolution(64, 64) + dense(flat, 64) + dense(64, classes);
  },
  mlp: (inputShape, classes) => dense(pixels(inputShape), 128) + dense(128, classes),
  softmax: (inputShape, classes) => dense(pixels(inputShape), classes),
};

function dense(inputs: number, units: number): number {
  return inputs * units + units;
}

/** With a kernel of 3×3. */
function convolution(channels: number, filters: number): number {
  return 9 * channels * filters + filters;
}

/** Three convolutions of 3×3 without padding take two pixels each; a pooling after each of the first two halves the rest. */
function afterConvolutions(size: number): number {
  return Math.max(0, Math.floor((Math.floor((size - 2) / 2) - 2) / 2) - 2);
}

function pixels([height, width, channels]: ModelSpec['inputShape']): number {
  return height * width * channels;
}
