/** Which images a model can take, without building it: workers build it, and they are started later. */
import { badInput } from '../core/errors.ts';
import type { DatasetInfo } from '../data/dataset.ts';
import { type ModelName, type ModelSpec, modelNames } from './model-spec.ts';

/** The parameters of the largest model that can be trained: those of one message of the control plane. */
export const maxParameters = 2 ** 26;

/** @throws bad-input naming the model, the images, and what would fit */
export function requireModelFits({ name, inputShape, classes }: ModelSpec, dataset: Pick<DatasetInfo, 'name'>): void {
  const misfit = misfitOf({ name, inputShape, classes });
  if (misfit === undefined) return;
  const fitting = modelNames.filter((other) => misfitOf({ name: other, inputShape, classes }) === undefined);
  const remedy = fitting.length === 0 ? 'scale the images down' : `use --model ${fitting.join(' or ')}`;
  const [height, width] = inputShape;
  throw badInput(`--model ${name} ${misfit}; those of ${dataset.name} are ${height} × ${width}: ${remedy}`);
}

function misfitOf(spec: ModelSpec): string | undefined {
  const [height, width] = spec.inputShape;
  const least = smallestSide[spec.name];
  if (Math.min(height, width) < least) return `takes images of at least ${least} × ${least} pixels`;
  const parameters = parameterCountOf(spec);
  if (parameters <= maxParameters) return undefined;
  return `would have ${parameters} parameters for these images, and at most ${maxParameters} can be trained`;
}

/** How many parameters a model has. Its images must be large enough. */
export function parameterCountOf(spec: ModelSpec): number {
  return parameterCounts[spec.name](spec);
}

/** What three convolutions of 3 × 3, with a pooling of 2 × 2 after the first two, leave of a side. */
function convolved(side: number): number {
  const pooled = (pixels: number) => Math.floor((pixels - 2) / 2);
  return pooled(pooled(side)) - 2;
}

const smallestSide: Readonly<Record<ModelName, number>> = { cnn: 18, mlp: 1, softmax: 1 };

/** As the layers in `zoo.ts` have them. */
const parameterCounts: Readonly<Record<ModelName, (spec: ModelSpec) => number>> = {
  cnn({ inputShape: [height, width, channels], classes }) {
    const features = 64 * convolved(height) * convolved(width);
    const convolutions = (9 * channels + 1) * 32 + (9 * 32 + 1) * 64 + (9 * 64 + 1) * 64;
    return convolutions + (features + 1) * 64 + (64 + 1) * classes;
  },
  mlp: ({ inputShape, classes }) => (pixelsOf(inputShape) + 1) * 128 + (128 + 1) * classes,
  softmax: ({ inputShape, classes }) => (pixelsOf(inputShape) + 1) * classes,
};

function pixelsOf([height, width, channels]: ModelSpec['inputShape']): number {
  return height * width * channels;
}
