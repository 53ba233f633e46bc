/** Makes an `Engine` of the parts that differ between engines. Argument checks, disposal and evaluation are shared. */
import { PennygradError } from '../shared/core/errors.ts';
import type { Split } from '../shared/data/dataset.ts';
import { crossEntropy, softmaxRows } from '../shared/model/cross-entropy.ts';
import type { OptimizerState } from '../shared/model/training-state.ts';
import type { BatchResult, Engine, EngineOptions } from './engine.ts';
import {
  checkImages,
  checkIndices,
  checkInterval,
  checkOptimizerState,
  checkSamples,
  checkVector,
} from './engine-checks.ts';

/** @param logits of the samples `[start, end)`; only valid during the call */
export type LogitsConsumer = (logits: Float32Array, start: number, end: number) => void;

/**
 * The parts that differ between engines. Methods do what `Engine` says of the methods of the same names; their
 * arguments have been checked, and none is called after `dispose`.
 */
export interface Replica extends Pick<Engine, 'name' | 'device' | 'threads' | 'card' | 'parameterCount' | 'artifacts'> {
  getParameters(): Float32Array | Promise<Float32Array>;
  setParameters(parameters: Float32Array): void | Promise<void>;
  getOptimizerState(): OptimizerState | Promise<OptimizerState>;
  setOptimizerState(state: OptimizerState): void | Promise<void>;
  /** Called with at least one index. */
  computeGradients: Engine['computeGradients'];
  applyGradients(gradientSum: Float32Array, samples: number): void | Promise<void>;
  /** Computes the logits of the samples `[from, to)`, in chunks and in order. The split need not be the dataset's. */
  forward(split: Split, from: number, to: number, use: LogitsConsumer): void | Promise<void>;
  /** Called once. */
  dispose(): void;
}

export function engineOf(replica: Replica, { dataset, model, optimizer }: EngineOptions): Engine {
  const { name, device, threads, card, parameterCount } = replica;
  const { classes, inputShape } = model;
  let disposed = false;

  function checkUsable(): void {
    if (disposed) throw new PennygradError('run-failed', `the ${name} engine was used after its disposal`);
  }

  async function forward(split: Split, from: number, to: number, use: LogitsConsumer): Promise<void> {
    checkUsable();
    await replica.forward(split, from, to, (logits, start, end) => {
      checkUsable();
      use(logits, start, end);
    });
  }

  return {
    name,
    device,
    threads,
    card,
    parameterCount,
    artifacts: () => replica.artifacts(),

    async getParameters() {
      checkUsable();
      return replica.getParameters();
    },

    async setParameters(parameters) {
      checkUsable();
      checkVector('parameters', parameters, parameterCount);
      return replica.setParameters(parameters);
    },

    async getOptimizerState() {
      checkUsable();
      return replica.getOptimizerState();
    },

    async setOptimizerState(state) {
      checkUsable();
      checkOptimizerState(state, optimizer, parameterCount);
      return replica.setOptimizerState(state);
    },

    async computeGradients(indices, gradients, onReady) {
      checkUsable();
      checkVector('gradients', gradients, parameterCount);
      if (indices.length === 0) {
        gradients.fill(0);
        return { lossSum: 0, correct: 0 };
      }
      checkIndices(indices, dataset.train);
      return replica.computeGradients(indices, gradients, onReady);
    },

    async applyGradients(gradientSum, samples) {
      checkUsable();
      checkVector('gradients', gradientSum, parameterCount);
      checkSamples(samples);
      return replica.applyGradients(gradientSum, samples);
    },

    async evaluate(splitName, from, to): Promise<BatchResult> {
      const split = dataset[splitName];
      checkInterval(splitName, split, from, to);
      let lossSum = 0;
      let correct = 0;
      await forward(split, from, to, (logits, start, end) => {
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
      await forward(split, 0, count, (logits, start) => {
        probabilities.set(softmaxRows(logits, classes), start * classes);
      });
      return probabilities;
    },

    dispose() {
      if (disposed) return;
      disposed = true;
      replica.dispose();
    },
  };
}
