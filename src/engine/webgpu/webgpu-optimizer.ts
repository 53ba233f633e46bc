/**
 * Adam and gradient descent as one shader over the flat vectors.
 *
 * tfjs's own optimizers run a dozen small shaders per variable. They also compute Adam's bias corrections from powers
 * in single precision, which a GPU may round so coarsely that a resumed run drifts away from the original.
 */

import {
  adamConstants,
  type OptimizerName,
  type OptimizerSpec,
  optimizerSlots,
} from '../../shared/model/model-spec.ts';
import * as tf from '../../shared/model/tfjs-core.ts';
import { totalSize } from '../flat-vector.ts';
import type { TfjsOptimizer } from '../tfjs/tfjs-backend.ts';
import type { WebgpuBackend, WebgpuProgram } from './webgpu-backend.ts';

export function createWebgpuOptimizer(
  backend: WebgpuBackend,
  spec: OptimizerSpec,
  variables: readonly tf.Variable[],
): TfjsOptimizer {
  const length = totalSize(variables);
  const slotCount = optimizerSlots[spec.name].length;
  /** All slots, one after the other; undefined if the optimizer has none. */
  let slots = slotCount === 0 ? undefined : tf.keep(tf.zeros([slotCount * length]));
  let iterations = 0;

  function apply(gradientSum: Float32Array, samples: number): void {
    iterations++;
    const uniforms = [1 / samples, ...biasCorrections(iterations)].map((value) => ({
      type: 'float32' as const,
      data: [value],
    }));
    tf.tidy(() => {
      const parameters = tf.concat(variables.map((variable) => tf.reshape(variable, [-1])));
      const inputs = [parameters, tf.tensor1d(gradientSum), ...(slots === undefined ? [] : [slots])];
      const output = backend.runWebGPUProgram(updateProgram(spec, length), inputs, 'float32', uniforms);
      const updated = tf.engine().makeTensorFromTensorInfo(output);
      let offset = 0;
      for (const variable of variables) {
        variable.assign(tf.reshape(tf.slice(updated, offset, variable.size), variable.shape));
        offset += variable.size;
      }
      if (slots !== undefined) replaceSlots(tf.slice(updated, length, slotCount * length));
    });
  }

  function replaceSlots(values: tf.Tensor): void {
    slots?.dispose();
    slots = tf.keep(values);
  }

  return {
    apply,
    async getState() {
      const values = slots === undefined ? new Float32Array() : (await slots.data<'float32'>()).slice();
      const parts = Array.from({ length: slotCount }, (_, i) => values.subarray(i * length, (i + 1) * length));
      return { iterations, slots: parts };
    },
    async setState(state) {
      iterations = state.iterations;
      if (slots !== undefined) tf.tidy(() => replaceSlots(tf.concat(state.slots.map((slot) => tf.tensor1d(slot)))));
    },
    dispose: () => slots?.dispose(),
  };
}

/** 1 / (1 − βᵗ) for Adam's two moments, in double precision. */
function biasCorrections(iterations: number): readonly [number, number] {
  const { beta1, beta2 } = adamConstants;
  return [1 / (1 - beta1 ** iterations), 1 / (1 - beta2 ** iterations)];
}

/**
 * Reads parameters, gradient sum and slots; writes the new parameters, followed by the new slots, because a shader has
 * one output buffer. For Adam's form see `adamConstants`.
 */
function updateProgram({ name, learningRate }: OptimizerSpec, length: number): WebgpuProgram {
  const { beta1, beta2, epsilon } = adamConstants;
  const updates: Readonly<Record<OptimizerName, string>> = {
    sgd: `setOutputAtIndex(index, parameters[index] - ${learningRate} * gradient);`,
    adam: `
      let first = ${beta1} * slots[index] + ${1 - beta1} * gradient;
      let second = ${beta2} * slots[index + ${length}] + ${1 - beta2} * gradient * gradient;
      let step = first * uniforms.correction1 / (sqrt(second * uniforms.correction2) + ${epsilon});
      setOutputAtIndex(index, parameters[index] - ${learningRate} * step);
      setOutputAtIndex(index + ${length}, first);
      setOutputAtIndex(index + ${2 * length}, second);`,
  };
  const slotCount = optimizerSlots[name].length;
  const workgroupSize = [64, 1, 1] as const;
  return {
    outputShape: [length * (1 + slotCount)],
    // WebGPU's bind group layout contains only inputs that the shader uses.
    variableNames: ['parameters', 'gradientSum', ...(slotCount === 0 ? [] : ['slots'])],
    workgroupSize,
    dispatchLayout: { x: [0] },
    dispatch: [Math.ceil(length / workgroupSize[0]), 1, 1],
    size: false,
    uniforms: 'perSample : f32, correction1 : f32, correction2 : f32,',
    shaderKey: `pennygradUpdate ${name} ${learningRate} ${length}`,
    getUserCode: () => `
      fn main(index : i32) {
        if (index < ${length}) {
          let gradient = gradientSum[index] * uniforms.perSample;
          ${updates[name]}
        }
      }`,
  };
}
