/** One captured step of any stack of layers, beside the same step by tfjs's own `cpu` backend. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as layers from '@tensorflow/tfjs-layers';
import { trainableVariables } from '../../src/engine/model-network.ts';
import type { UsableFlavour } from '../../src/engine/wasm/kernel-module.ts';
import { everyPass } from '../../src/engine/wasm/trace/opcodes.ts';
import { openTracedModel } from '../../src/engine/wasm/trace/traced-model.ts';
import type { Layer } from '../../src/shared/model/zoo.ts';

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

export async function plainStep(step: StepCase): Promise<StepResult> {
  const { imageShape, images, batch, values } = step;
  await tf.setBackend('cpu');
  return tf.tidy(() => {
    const network = layers.sequential({ layers: step.layers() });
    const variables = trainableVariables(network);
    const parameters = values(variables.reduce((sum, { size }) => sum + size, 0));
    let offset = 0;
    for (const variable of variables) {
      variable.assign(tf.tensor(parameters.slice(offset, offset + variable.size), variable.shape));
      offset += variable.size;
    }
    const x = tf.tensor(
      Float32Array.from(images, (byte) => byte / 255),
      [batch, ...imageShape],
    );
    const apply = () => network.layers.reduce((y, layer) => layer.apply(y) as tf.Tensor, x);
    const { grads } = tf.variableGrads(() => {
      const y = apply();
      return tf.sum(tf.mul(y, tf.tensor(values(y.size), y.shape))) as tf.Scalar;
    }, [...variables]);
    const flat = variables.flatMap(({ name }) => Array.from((grads[name] as tf.Tensor).dataSync<'float32'>()));
    return { outputs: apply().dataSync<'float32'>().slice(), gradients: Float32Array.from(flat) };
  });
}
