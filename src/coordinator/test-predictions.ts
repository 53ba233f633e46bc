import type { Predictions } from '../report/predictions/predictions.ts';
import type { Dataset } from '../shared/data/dataset.ts';
import type { RunObserver } from './run-events.ts';

export interface TestPredictions {
  readonly observe: RunObserver;
  /** The first test images beside what the model made of them; undefined before it was asked. */
  predictions(): Predictions | undefined;
}

export function keepPredictions({ test, classes, imageShape }: Dataset): TestPredictions {
  let probabilities: Float32Array | undefined;
  const pixels = imageShape.reduce((product, size) => product * size, 1);
  return {
    observe(event) {
      if (event.type === 'predictions') probabilities = event.probabilities;
    },
    predictions() {
      if (probabilities === undefined) return undefined;
      const count = probabilities.length / classes;
      return {
        images: test.images.subarray(0, count * pixels),
        labels: test.labels.subarray(0, count),
        imageShape,
        probabilities,
      };
    },
  };
}
