/** Which images a model can take, without building it: workers build it, and they are started later. */
import { badInput } from '../core/errors.ts';
import type { DatasetInfo } from '../data/dataset.ts';
import { type ModelName, type ModelSpec, modelNames } from './model-spec.ts';
import { parameterCount } from './parameter-count.ts';

/**
 * The parameters of the largest model that can be trained. An engine keeps at least four vectors of them: parameters,
 * gradient and Adam's two moments. In WebAssembly, whose memory has 4 GiB, these take 2 GiB of it; what is computed of the
 * parameters once a step takes up to as much again.
 */
export const maxParameters = 2 ** 27;

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
  const parameters = parameterCount(spec);
  if (parameters <= maxParameters) return undefined;
  return `would have ${parameters} parameters for these images, and at most ${maxParameters} can be trained`;
}

const smallestSide: Readonly<Record<ModelName, number>> = { cnn: 18, mlp: 1, softmax: 1 };
