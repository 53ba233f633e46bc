/** What every engine does with the logits of its forward pass: evaluate a split, and predict images. */
import type { Split } from '../shared/data/dataset.ts';
import { crossEntropy, softmaxRows } from '../shared/model/cross-entropy.ts';
import type { Engine, EngineOptions } from './engine.ts';
import { checkImages, checkInterval } from './engine-checks.ts';

/** @param logits of the samples `[start, end)`; they may change after the call */
export type LogitsConsumer = (logits: Float32Array, start: number, end: number) => void;

/** Computes the logits of the samples `[from, to)` of a split, a chunk at a time and in order. */
export type Forward = (split: Split, from: number, to: number, use: LogitsConsumer) => void | Promise<void>;

export function evaluation(
  { dataset, model: { classes, inputShape } }: EngineOptions,
  forward: Forward,
): Pick<Engine, 'evaluate' | 'predict'> {
  return {
    async evaluate(name, from, to) {
      const split = dataset[name];
      checkInterval(name, split, from, to);
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
  };
}
