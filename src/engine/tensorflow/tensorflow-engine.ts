/**
 * The engine over TensorFlow itself. A step is one run of one graph (tensorflow-step-graph.ts): what tfjs would call
 * operation by operation, TensorFlow plans, fuses and runs on its own.
 */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { badInput, PennygradError } from '../../shared/core/errors.ts';
import { crossEntropy, softmaxRows } from '../../shared/model/cross-entropy.ts';
import { initialParameters } from '../../shared/model/initialize.ts';
import { optimizerSlots } from '../../shared/model/model-spec.ts';
import { buildModel } from '../../shared/model/zoo.ts';
import type { BatchResult, Engine, EngineOptions } from '../engine.ts';
import { checkFit, checkIndices, labelsOf } from '../engine-checks.ts';
import { totalSize } from '../flat-vector.ts';
import { artifactsOf, trainableVariables } from '../model-network.ts';
import { feeds, fetches } from './tensorflow-endpoints.ts';
import { visibleDevices } from './tensorflow-environment.ts';
import { loadBinding, loadMessages, type TensorflowManifest } from './tensorflow-installation.ts';
import { optimizerScalars } from './tensorflow-optimizer.ts';
import { openSession } from './tensorflow-session.ts';
import { buildStepGraph } from './tensorflow-step-graph.ts';

/** Images that `evaluate` and `predict` take at a time: bounds the memory of their activations. */
const evaluationBatchSize = 250;

/** @throws PennygradError if TensorFlow cannot be loaded, or the model cannot be a graph */
export async function createTensorflowEngine(
  options: EngineOptions,
  manifest: TensorflowManifest,
  device: string,
): Promise<Engine> {
  checkFit(options);
  const { dataset, model: spec, optimizer, seed } = options;
  const { classes, inputShape } = spec;
  const pixels = inputShape[0] * inputShape[1] * inputShape[2];
  const { nodes, artifacts, shapes } = await describeModel(options);
  const parameterCount = totalSize(shapes);
  const binding = loadBinding(manifest);
  const session = openSession(binding, loadMessages(manifest), nodes);
  // TensorFlow computes on the first card that it sees.
  const card = binding.isUsingGpuDevice() ? (visibleDevices(0, 1, process.env.CUDA_VISIBLE_DEVICES) ?? '0') : undefined;
  let iterations = 0;
  let disposed = false;

  const run: typeof session.run = (inputs, outputs) => {
    if (disposed) throw new PennygradError('run-failed', 'the tensorflow engine was used after its disposal');
    return session.run(inputs, outputs);
  };

  const flat = (name: string, values: Float32Array) => ({ name, shape: [parameterCount], values });
  // Assigned to a variable, the array might become the variable's own memory: hence a copy.
  const assign = (feed: string, values: Float32Array, fetch: string) => run([flat(feed, values.slice())], [fetch]);
  const read = (fetch: string) => run([], [fetch])[0] as Float32Array;

  function resetSlots(values?: readonly Float32Array[]): void {
    for (const i of optimizerSlots[optimizer.name].keys()) {
      assign(feeds.slot(i), values?.[i] ?? new Float32Array(parameterCount), fetches.slotSet(i));
    }
  }

  function checkLength(name: string, vector: Float32Array): void {
    if (vector.length !== parameterCount) {
      throw badInput(`${name} have ${vector.length} floats, but the model has ${parameterCount} parameters`);
    }
  }

  /** Logits of images, a chunk at a time. */
  function forwardInChunks(images: Uint8Array, use: (logits: Float32Array, start: number, end: number) => void): void {
    const count = images.length / pixels;
    for (let start = 0; start < count; start += evaluationBatchSize) {
      const end = Math.min(start + evaluationBatchSize, count);
      const values = images.subarray(start * pixels, end * pixels);
      const [logits] = run([{ name: feeds.images, shape: [end - start, pixels], values }], [fetches.logits]);
      use(logits as Float32Array, start, end);
    }
  }

  const { images, count } = dataset.train;
  run([{ name: feeds.trainImages, shape: [count, pixels], values: images }], [fetches.trainImagesSet]);
  assign(
    feeds.parameters,
    initialParameters(
      shapes.map(({ shape }) => shape),
      seed,
    ),
    fetches.parametersSet,
  );
  resetSlots();

  return {
    name: 'tensorflow',
    device,
    parameterCount,
    ...(card === undefined ? {} : { card }),
    artifacts: () => artifacts,
    getParameters: async () => read(fetches.parameters),

    async setParameters(parameters) {
      checkLength('parameters', parameters);
      assign(feeds.parameters, parameters, fetches.parametersSet);
    },

    getOptimizerState: async () => ({
      iterations,
      slots: optimizerSlots[optimizer.name].map((_, i) => read(fetches.slot(i))),
    }),

    async setOptimizerState(state) {
      const expected = optimizerSlots[optimizer.name].length;
      if (state.slots.length !== expected) {
        throw badInput(`optimizer ${optimizer.name} has ${expected} slots, not ${state.slots.length}`);
      }
      if (!Number.isInteger(state.iterations) || state.iterations < 0) {
        throw badInput(`${state.iterations} optimizer iterations`);
      }
      for (const [i, slot] of state.slots.entries()) checkLength(`optimizer slot ${i}'s values`, slot);
      resetSlots(state.slots);
      iterations = state.iterations;
    },

    async computeGradients(indices, gradients) {
      checkLength('gradients', gradients);
      if (indices.length === 0) {
        gradients.fill(0);
        return { lossSum: 0, correct: 0 };
      }
      checkIndices(indices, dataset.train);
      const labels = labelsOf(dataset.train, indices);
      const shape = [indices.length];
      const [gradient, logits] = run(
        [
          { name: feeds.indices, shape, values: Int32Array.from(indices) },
          { name: feeds.labels, shape, values: Int32Array.from(labels) },
        ],
        [fetches.gradient, fetches.batchLogits],
      ) as readonly [Float32Array, Float32Array];
      gradients.set(gradient);
      // The loss itself in double precision, as every engine reports it.
      return crossEntropy(logits, labels, classes);
    },

    async applyGradients(gradientSum, samples) {
      checkLength('gradients', gradientSum);
      if (!(samples > 0)) throw badInput(`gradients cannot be averaged over ${samples} samples`);
      const scalars = optimizerScalars(samples, optimizer.learningRate, iterations + 1);
      run(
        [flat(feeds.gradientSum, gradientSum), { name: feeds.scalars, shape: [5], values: scalars }],
        [fetches.applied],
      );
      iterations++;
    },

    async evaluate(name, from, to) {
      const split = dataset[name];
      if (!(from >= 0 && from <= to && to <= split.count)) {
        throw badInput(`[${from}, ${to}) is not within the ${split.count} samples of the ${name} split`);
      }
      const labels = split.labels.subarray(from, to);
      const total = { lossSum: 0, correct: 0 };
      forwardInChunks(split.images.subarray(from * pixels, to * pixels), (logits, start, end) => {
        const chunk: BatchResult = crossEntropy(logits, labels.subarray(start, end), classes);
        total.lossSum += chunk.lossSum;
        total.correct += chunk.correct;
      });
      return total;
    },

    async predict(imageBytes, imageCount) {
      if (imageBytes.length !== imageCount * pixels) {
        throw badInput(
          `${imageCount} images of ${inputShape.join('×')} are ${imageCount * pixels} bytes, not ${imageBytes.length}`,
        );
      }
      const probabilities = new Float32Array(imageCount * classes);
      forwardInChunks(imageBytes, (logits, start) => probabilities.set(softmaxRows(logits, classes), start * classes));
      return probabilities;
    },

    dispose() {
      if (disposed) return;
      disposed = true;
      session.close();
    },
  };
}

/** The model's layers live on tfjs's plain backend only as long as it takes to describe them. */
async function describeModel({ model: spec, optimizer }: EngineOptions) {
  tf.enableProdMode();
  await tf.setBackend('cpu');
  const { network, logitLayers } = buildModel(spec);
  try {
    const variables = trainableVariables(network);
    const shapes = variables.map(({ shape, size }) => ({ shape, size }));
    const graph = buildStepGraph({
      layers: logitLayers,
      variables: shapes,
      imageShape: spec.inputShape,
      optimizer: optimizer.name,
    });
    if ('unsupported' in graph) {
      throw badInput(
        `engine tensorflow cannot train layer ${graph.unsupported} of model ${spec.name}; use --backend wasm or cpu`,
      );
    }
    return { nodes: graph.nodes, shapes, artifacts: artifactsOf(network, variables) };
  } finally {
    network.dispose();
  }
}
