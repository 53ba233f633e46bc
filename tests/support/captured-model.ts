/** One captured step of any stack of layers, beside the same step by tfjs's own `cpu` backend. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as layers from '@tensorflow/tfjs-layers';
import { captureStep } from '../../src/shared/engine/capture/capture-step.ts';
import { loadProgram } from '../../src/shared/engine/capture/captured-program.ts';
import { createFlatMemory } from '../../src/shared/engine/capture/flat-memory.ts';
import { everyPass } from '../../src/shared/engine/capture/opcodes.ts';
import { startTracing } from '../../src/shared/engine/capture/trace.ts';
import { instantiateKernels, type UsableFlavour } from '../../src/shared/engine/kernel-module.ts';
import { layerFunction, trainableVariables } from '../../src/shared/engine/model-network.ts';
import { fuseWasmLayer } from '../../src/shared/engine/wasm-layers.ts';
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

export async function capturedStep(flavour: UsableFlavour, step: StepCase): Promise<StepResult> {
  const { imageShape, images, batch, values } = step;
  await startTracing();
  const network = layers.sequential({ layers: step.layers() });
  const variables = trainableVariables(network);
  const fused = network.layers.map((layer) => fuseWasmLayer(layer) ?? layerFunction(layer));
  const count = variables.reduce((sum, { size }) => sum + size, 0);
  const memory = createFlatMemory();
  const kernels = await instantiateKernels(flavour.flavour, memory.memory);
  const [parameters, gradients] = [memory.allocate(count * 4), memory.allocate(count * 4)];
  const source = memory.allocate(images.length);
  const selected = memory.allocate((1 + batch) * 4);
  const forward = (x: tf.Tensor) => fused.reduce((y, layer) => layer(y), x);
  const captured = await captureStep({ forward, variables, imageShape, batch, sizes: kernels });
  const program = loadProgram(captured, {
    ...{ kernels, memory, parameters, gradients, batch: selected },
    kept: new Map(),
  });
  memory.floats(parameters, count).set(values(count));
  memory.bytes(source, images.length).set(images);
  memory.words(selected, 1 + batch).set([source, ...Array(batch).keys()]);
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
