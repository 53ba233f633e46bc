/** A model of the zoo in double precision: its loss and gradients, by the definitions in reference-layers.ts. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { artifactsOf, trainableVariables } from '../../src/engine/model-network.ts';
import type { Split } from '../../src/shared/data/dataset.ts';
import type { ModelSpec } from '../../src/shared/model/model-spec.ts';
import { buildModel } from '../../src/shared/model/zoo.ts';
import { referenceStep } from './reference-network.ts';

export interface NamedGradient {
  /** `conv2/bias` */
  readonly name: string;
  readonly gradient: Float64Array;
}

export interface ReferenceGradients {
  readonly lossSum: number;
  /** One for each variable, in the order of the flat parameter vector. */
  readonly variables: readonly NamedGradient[];
}

/** The loss and its gradients, summed over the first `count` samples of `split`. Leaves tfjs on its `cpu` backend. */
export async function referenceGradients(
  spec: ModelSpec,
  parameters: Float32Array,
  split: Split,
  count: number,
): Promise<ReferenceGradients> {
  await tf.setBackend('cpu');
  const { network, logitLayers } = buildModel(spec);
  const { weightSpecs } = artifactsOf(network, trainableVariables(network));
  const pixels = spec.inputShape.reduce((product, n) => product * n, 1);
  const images = Float64Array.from(split.images.subarray(0, count * pixels), (byte) => byte / 255);
  let lossSum = 0;
  const { gradients } = referenceStep(logitLayers, count, images, Float64Array.from(parameters), (logits) => {
    const slopes = softmaxCrossEntropy(logits, split.labels.subarray(0, count), spec.classes);
    lossSum = slopes.lossSum;
    return slopes.gradient;
  });
  network.dispose();
  return { lossSum, variables: gradients.map((gradient, i) => ({ name: weightSpecs[i]?.name ?? '', gradient })) };
}

function softmaxCrossEntropy(logits: Float64Array, labels: Uint8Array, classes: number) {
  let lossSum = 0;
  const gradient = new Float64Array(logits.length);
  labels.forEach((label, sample) => {
    const row = logits.subarray(sample * classes, (sample + 1) * classes);
    const largest = Math.max(...row);
    const powers = row.map((logit) => Math.exp(logit - largest));
    const sum = powers.reduce((total, power) => total + power);
    lossSum -= Math.log((powers[label] ?? Number.NaN) / sum);
    gradient.set(
      powers.map((power, i) => power / sum - (i === label ? 1 : 0)),
      sample * classes,
    );
  });
  return { lossSum, gradient };
}
