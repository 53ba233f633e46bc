import { createRandom } from '../../src/shared/core/random.ts';
import type { Dataset, ImageShape, Split } from '../../src/shared/data/dataset.ts';

/** Images that an engine can learn something from, and small enough for the slow ones: each class has a bright row. */
export function engineDataset(imageShape: ImageShape, classes: number, trainCount: number, testCount: number): Dataset {
  return {
    name: 'bright rows',
    source: 'made for a test',
    digest: '',
    sha256: {},
    imageShape,
    classes,
    trainCount,
    testCount,
    train: split(imageShape, classes, trainCount, 1),
    test: split(imageShape, classes, testCount, 2),
  };
}

function split([height, width, channels]: ImageShape, classes: number, count: number, seed: number): Split {
  const random = createRandom(seed);
  const images = Uint8Array.from({ length: count * height * width * channels }, () => random.integer(100));
  const labels = Uint8Array.from({ length: count }, () => random.integer(classes));
  const rowBytes = width * channels;
  labels.forEach((label, i) => {
    const start = (i * height + Math.floor((label * height) / classes)) * rowBytes;
    images.fill(230, start, start + rowBytes);
  });
  return { count, images, labels };
}
