/** An engine over tfjs: forward by its layers, backward by its tape, whatever the backend computes with. */
import * as tf from '@tensorflow/tfjs-core';
import { PennygradError } from '../../shared/core/errors.ts';
import type { Split } from '../../shared/data/dataset.ts';
import { crossEntropy, softmaxRows } from '../../shared/model/cross-entropy.ts';
import { initialParameters } from '../../shared/model/initialize.ts';
import { buildModel } from '../../shared/model/zoo.ts';
import type { BatchResult, Engine, EngineOptions } from '../engine.ts';
import {
  checkFit,
  checkImages,
  checkIndices,
  checkInterval,
  checkOptimizerState,
  checkSamples,
  checkVector,
  labelsOf,
} from '../engine-checks.ts';
import { totalSize, viewsOf } from '../flat-vector.ts';
import { artifactsOf, layerFunction, trainableVariables } from '../model-network.ts';
import type { TfjsBackend } from './tfjs-backend.ts';
import { gradientsAndLogits } from './tfjs-single-read.ts';

/** Images that `evaluate` and `predict` take at a time: bounds the memory of their activations. */
const evaluationBatchSize = 256;

/** @throws PennygradError if model and dataset do not fit together. The backend must be ready. */
export function createTfjsEngine(backend: TfjsBackend, options: EngineOptions): Engine {
  const { dataset, model: spec } = options;
  const { inputShape, classes } = spec;
  checkFit(options);

  backend.activate();
  const { network, logitLayers } = buildModel(spec);
  const variables = trainableVariables(network);
  const parameterCount = totalSize(variables);
  const offsets = new Map(variables.map((variable, i) => [variable, totalSize(variables.slice(0, i))]));
  const forwardLayers = logitLayers.map((layer) => backend.fuseLayer(layer, deliver) ?? layerFunction(layer));
  let delivery: Delivery | undefined;
  const optimizer = backend.createOptimizer(options.optimizer, variables);
  assign(
    initialParameters(
      variables.map(({ shape }) => shape),
      options.seed,
    ),
  );
  let disposed = false;

  /** Every use of tfjs goes through here: its backend is global to the process, and another engine may have it. */
  function onBackend<T>(compute: () => T): T {
    if (disposed)
      throw new PennygradError('run-failed', `the ${backend.engineName} engine was used after its disposal`);
    backend.activate();
    return compute();
  }

  function assign(parameters: Float32Array): void {
    const views = viewsOf(parameters, variables);
    tf.tidy(() => {
      for (const [i, variable] of variables.entries()) {
        // A copy, because the cpu backend keeps the array that it is given.
        variable.assign(tf.tensor((views[i] as Float32Array).slice(), variable.shape));
      }
    });
  }

  function logitsOf(images: tf.Tensor4D): tf.Tensor2D {
    return forwardLayers.reduce<tf.Tensor>((x, forward) => forward(x), images) as tf.Tensor2D;
  }

  /** A gradient that the backward pass is done with goes out while the pass goes on. */
  function deliver(variable: tf.Variable, values: Float32Array): void {
    const offset = offsets.get(variable);
    if (delivery === undefined || offset === undefined) return;
    delivery.gradients.set(values, offset);
    delivery.delivered.add(variable);
    delivery.onReady?.(offset, offset + values.length);
  }

  const computeGradients: Engine['computeGradients'] = async (indices, gradients, onReady) => {
    checkLength('gradients', gradients);
    if (indices.length === 0) {
      gradients.fill(0);
      return { lossSum: 0, correct: 0 };
    }
    checkIndices(indices, dataset.train);
    const labels = labelsOf(dataset.train, indices);
    if (backend.readsOncePerStep === true) return computeInOneRead(indices, labels, gradients);
    let result: BatchResult | undefined;
    const delivered = new Set<tf.Variable>();
    delivery = { gradients, delivered, ...(onReady === undefined ? {} : { onReady }) };
    const tensors = onBackend(() =>
      tf.tidy(() => {
        const images = backend.gather(dataset.train, inputShape, indices);
        const { grads } = tf.variableGrads(() => {
          const loss = recordLoss(logitsOf(images), labels, classes);
          result = loss.result;
          return loss.value;
        }, [...variables]);
        return variables.map(({ name }) => grads[name] as tf.Tensor);
      }),
    );
    delivery = undefined;
    const views = viewsOf(gradients, variables);
    for (const [i, variable] of variables.entries()) {
      if (!delivered.has(variable)) await backend.readInto([tensors[i] as tf.Tensor], views[i] as Float32Array);
    }
    tf.dispose(tensors);
    return result as BatchResult;
  };

  async function computeInOneRead(indices: Uint32Array, labels: Uint8Array, gradients: Float32Array) {
    const values = new Float32Array(parameterCount + labels.length * classes);
    await onBackend(async () => {
      const forward = () => logitsOf(backend.gather(dataset.train, inputShape, indices));
      const tensors = gradientsAndLogits(forward, variables, labels, classes);
      const read = backend.readInto(tensors, values);
      tf.dispose(tensors);
      await read;
    });
    gradients.set(values.subarray(0, parameterCount));
    return crossEntropy(values.subarray(parameterCount), labels, classes);
  }

  /** Calls `use` with the logits of consecutive images, a chunk at a time. */
  async function forwardInChunks(split: Split, from: number, to: number, use: LogitsConsumer): Promise<void> {
    for (let start = from; start < to; start += evaluationBatchSize) {
      const count = Math.min(evaluationBatchSize, to - start);
      const indices = Uint32Array.from({ length: count }, (_, i) => start + i);
      const logits = onBackend(() => tf.tidy(() => logitsOf(backend.gather(split, inputShape, indices))));
      const values = new Float32Array(count * classes);
      await backend.readInto([logits], values);
      logits.dispose();
      use(values, start, start + count);
    }
  }

  const checkLength = (name: string, vector: Float32Array) => checkVector(name, vector, parameterCount);

  return {
    name: backend.engineName,
    device: backend.device,
    parameterCount,

    async getParameters() {
      const parameters = new Float32Array(parameterCount);
      await onBackend(() => backend.readInto(variables, parameters));
      return parameters;
    },

    async setParameters(parameters) {
      checkLength('parameters', parameters);
      onBackend(() => assign(parameters));
    },

    getOptimizerState: async () => onBackend(() => optimizer.getState()),

    async setOptimizerState(state) {
      checkOptimizerState(state, options.optimizer, parameterCount);
      await onBackend(() => optimizer.setState(state));
    },

    artifacts: () => artifactsOf(network, variables),

    computeGradients,

    async applyGradients(gradientSum, samples) {
      checkLength('gradients', gradientSum);
      checkSamples(samples);
      onBackend(() => optimizer.apply(gradientSum, samples));
    },

    async evaluate(name, from, to) {
      const split = dataset[name];
      checkInterval(name, split, from, to);
      let lossSum = 0;
      let correct = 0;
      await forwardInChunks(split, from, to, (logits, start, end) => {
        const chunk = crossEntropy(logits, split.labels.subarray(start, end), classes);
        lossSum += chunk.lossSum;
        correct += chunk.correct;
      });
      return { lossSum, correct };
    },

    async predict(images, count) {
      checkImages(images, count, inputShape);
      const probabilities = new Float32Array(count * classes);
      const split = { count, images, labels: new Uint8Array(count) };
      await forwardInChunks(split, 0, count, (logits, start) =>
        probabilities.set(softmaxRows(logits, classes), start * classes),
      );
      return probabilities;
    },

    dispose() {
      if (disposed) return;
      disposed = true;
      optimizer.dispose();
      network.dispose();
      backend.dispose?.();
    },
  };
}

/** Where the gradients of the pass under way go. */
interface Delivery {
  readonly gradients: Float32Array;
  readonly delivered: Set<tf.Variable>;
  readonly onReady?: (from: number, to: number) => void;
}

type LogitsConsumer = (logits: Float32Array, start: number, end: number) => void;

/**
 * The loss as an operation on the tape whose values are computed here, in double precision: a batch has so few logits
 * that reading them back costs less than five more kernels would.
 */
function recordLoss(logits: tf.Tensor2D, labels: Uint8Array, classes: number) {
  let result: BatchResult | undefined;
  const value = tf.customGrad((x) => {
    const gradients = new Float32Array((x as tf.Tensor).size);
    result = crossEntropy((x as tf.Tensor).dataSync<'float32'>(), labels, classes, gradients);
    const shape = logits.shape;
    return {
      value: tf.scalar(result.lossSum),
      gradFunc: (dy: tf.Tensor) => tf.mul(dy, tf.tensor2d(gradients, shape)),
    };
  })(logits);
  return { value: value as tf.Scalar, result: result as BatchResult };
}
