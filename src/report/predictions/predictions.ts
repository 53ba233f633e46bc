import { badInput } from '../../shared/core/errors.ts';
import type { ImageShape } from '../../shared/data/dataset.ts';

/** Images with their true classes and a model's predictions. */
export interface Predictions {
  /** `count × height × width × channels` bytes. */
  readonly images: Uint8Array;
  readonly imageShape: ImageShape;
  /** `count` true classes. */
  readonly labels: Uint8Array;
  /** `count × classes`, each row summing to 1. */
  readonly probabilities: Float32Array;
}

/** One image and its most probable class. */
export interface Prediction {
  readonly pixels: Uint8Array;
  readonly label: number;
  readonly predicted: number;
  readonly probability: number;
  readonly correct: boolean;
}

/** @throws bad-input when the lengths do not fit together */
export function listPredictions({ images, imageShape, labels, probabilities }: Predictions): readonly Prediction[] {
  const count = labels.length;
  const size = imageShape[0] * imageShape[1] * imageShape[2];
  const classes = count === 0 ? 0 : probabilities.length / count;
  if (images.length !== count * size || !Number.isInteger(classes) || (count > 0 && classes === 0)) {
    throw badInput(
      `predictions: ${count} labels need ${count * size} bytes of images and probabilities for each, got ${images.length} bytes and ${probabilities.length} probabilities`,
    );
  }
  return Array.from(labels, (label, index) => {
    const row = probabilities.subarray(index * classes, (index + 1) * classes);
    const predicted = row.reduce((best, value, candidate) => (value > (row[best] ?? 0) ? candidate : best), 0);
    return {
      pixels: images.subarray(index * size, (index + 1) * size),
      label,
      predicted,
      probability: row[predicted] ?? 0,
      correct: predicted === label,
    };
  });
}
