/** Logistic regression on one pixel, in plain JavaScript: an engine small enough to check by hand. */

import type { Engine, EngineProvider } from '../../src/engine/engine.ts';
import type { Dataset } from '../../src/shared/data/dataset.ts';

export function toyDataset(trainCount: number, digest = 'toy'): Dataset {
  const split = (count: number) => ({
    count,
    images: Uint8Array.from({ length: count }, (_, i) => (i * 37) % 256),
    labels: Uint8Array.from({ length: count }, (_, i) => ((i * 37) % 256 > 127 ? 1 : 0)),
  });
  return {
    name: 'toy',
    source: 'memory',
    digest,
    sha256: {},
    imageShape: [1, 1, 1],
    classes: 2,
    trainCount,
    testCount: 20,
    train: split(trainCount),
    test: split(20),
  };
}

export interface ToyFaults {
  /** What the engine says it computes on. */
  readonly device?: string;
  /** Called before each gradient; may throw or never resolve. */
  readonly beforeGradients?: (step: number) => void | Promise<void>;
  /** Whether the loss and the gradient of a training sample are NaN. */
  readonly poisons?: (sample: number) => boolean;
  /** Added to the initial parameters. */
  readonly offset?: number;
  /** The engine cannot be made, for this reason. */
  readonly failToStart?: string;
  /** Called before each part of a test pass; may throw or never resolve. */
  readonly beforeEvaluation?: () => void | Promise<void>;
  /** What `evaluate` claims the loss to be. */
  readonly testLoss?: number;
  /** Added to the parameters at every update; or, by the number of updates, at some. */
  readonly drift?: number | ((updates: number) => number);
  /** Called when it is given parameters. */
  readonly onSetParameters?: () => void;
  /** The engine goes on with its own parameters when it is given others. */
  readonly keepsParameters?: boolean;
}

export function toyProvider({
  beforeGradients,
  beforeEvaluation,
  failToStart,
  testLoss,
  poisons = () => false,
  offset = 0,
  drift = 0,
  onSetParameters,
  keepsParameters = false,
  device = 'toy',
}: ToyFaults = {}): EngineProvider {
  return {
    name: 'cpu',
    probe: async () => ({ usable: true, device }),
    async create({ dataset, optimizer }): Promise<Engine> {
      if (failToStart !== undefined) throw new Error(failToStart);
      let parameters = Float32Array.of(0.1 + offset, -0.2);
      let steps = 0;
      const gradient = (index: number, split: Dataset['train'], into: Float32Array) => {
        const x = (split.images[index] ?? 0) / 255;
        const label = split.labels[index] ?? 0;
        const probability = 1 / (1 + Math.exp(-((parameters[0] ?? 0) * x + (parameters[1] ?? 0))));
        into[0] = (into[0] ?? 0) + (probability - label) * x;
        into[1] = (into[1] ?? 0) + (probability - label);
        return {
          loss: -Math.log(label === 1 ? probability : 1 - probability),
          correct: probability > 0.5 === (label === 1),
        };
      };
      const sum = (indices: Iterable<number>, split: Dataset['train'], into: Float32Array) => {
        let [lossSum, correct] = [0, 0];
        for (const index of indices) {
          const sample = gradient(index, split, into);
          lossSum += sample.loss;
          correct += sample.correct ? 1 : 0;
        }
        return { lossSum, correct };
      };
      return {
        name: 'cpu',
        device,
        parameterCount: 2,
        getParameters: async () => parameters.slice(),
        setParameters: async (next) => {
          onSetParameters?.();
          if (!keepsParameters) parameters = next.slice();
        },
        getOptimizerState: async () => ({ iterations: steps, slots: [] }),
        setOptimizerState: async () => {},
        artifacts: () => ({ topology: {}, weightSpecs: [{ name: 'w', shape: [2], dtype: 'float32' }] }),
        async computeGradients(indices, gradients) {
          await beforeGradients?.(steps);
          gradients.fill(0);
          const result = sum(indices, dataset.train, gradients);
          if (!indices.some(poisons)) return result;
          gradients[0] = Number.NaN;
          return { ...result, lossSum: Number.NaN };
        },
        async applyGradients(gradientSum, samples) {
          steps += 1;
          const off = typeof drift === 'number' ? drift : drift(steps);
          parameters = parameters.map(
            (value, i) => value + off - (optimizer.learningRate * (gradientSum[i] ?? 0)) / samples,
          );
        },
        async evaluate(split, from, to) {
          await beforeEvaluation?.();
          const indices = Array.from({ length: to - from }, (_, i) => from + i);
          const result = sum(indices, dataset[split], new Float32Array(2));
          return { ...result, lossSum: testLoss ?? result.lossSum };
        },
        predict: async (_, count) => new Float32Array(count * 2),
        dispose() {},
      };
    },
  };
}
