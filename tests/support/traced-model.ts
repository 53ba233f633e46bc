/** One traced step of any stack of layers, beside the same step in double precision. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as layers from '@tensorflow/tfjs-layers';
import { trainableVariables } from '../../src/engine/model-network.ts';
import type { UsableFlavour } from '../../src/engine/wasm/kernel-module.ts';
import { everyPass } from '../../src/engine/wasm/trace/opcodes.ts';
import { openTracedModel } from '../../src/engine/wasm/trace/traced-model.ts';
import type { Layer } from '../../src/shared/model/zoo.ts';
import { type ReferenceStep, referenceStep } from './reference-network.ts';

export interface StepCase {
  /** Makes the layers anew; the first says its input's shape. */
  readonly layers: () => Layer[];
  readonly imageShape: readonly number[];
  /** `batch` images of bytes. */
  readonly images: Uint8Array;
  readonly batch: number;
  /** Fills the parameters, and the gradient of some loss with respect to the outputs. */
  readonly values: (length: number) => Float32Array;
}

export interface StepResult {
  readonly outputs: Float32Array;
  readonly gradients: Float32Array;
}

export async function tracedStep(flavour: UsableFlavour, step: StepCase): Promise<StepResult> {
  const { imageShape, images, batch, values } = step;
  const build = () => {
    const network = layers.sequential({ layers: step.layers() });
    return { network, forward: network.layers };
  };
  const model = await openTracedModel(build, imageShape, batch, flavour);
  const { memory, network, parameters, gradients, parameterCount: count } = model;
  const source = memory.allocate(images.length);
  const program = await model.programFor(batch);
  memory.floats(parameters, count).set(values(count));
  memory.bytes(source, images.length).set(images);
  model.selectBatch(
    source,
    Uint32Array.from({ length: batch }, (_, i) => i),
  );
  program.runForward(everyPass);
  const outputCount = tf.util.sizeFromShape([batch, ...(network.outputShape as number[]).slice(1)]);
  const outputs = memory.floats(program.logits, outputCount).slice();
  memory.floats(program.logitGradients, outputCount).set(values(outputCount));
  program.runBackward(everyPass);
  return { outputs, gradients: memory.floats(gradients, count).slice() };
}

/**
 * The same step in double precision.
 *
 * @returns computes it, from what `disturb` makes of the images, the parameters and the gradient of the outputs
 */
export async function exactStep({
  layers: make,
  images,
  batch,
  values,
}: StepCase): Promise<(disturb?: (exact: Float64Array) => Float64Array) => ReferenceStep> {
  await tf.setBackend('cpu');
  const network = layers.sequential({ layers: make() });
  const parameterCount = trainableVariables(network).reduce((sum, { size }) => sum + size, 0);
  const outputCount = tf.util.sizeFromShape([batch, ...(network.outputShape as number[]).slice(1)]);
  const pixels = Float64Array.from(images, (byte) => byte / 255);
  const [parameters, outputGradient] = [parameterCount, outputCount].map((n) => Float64Array.from(values(n))) as [
    Float64Array,
    Float64Array,
  ];
  return (disturb = (exact) => exact) =>
    referenceStep(network.layers, batch, disturb(pixels), disturb(parameters), () => disturb(outputGradient));
}
