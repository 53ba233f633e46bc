/** Makes a dataset of four IDX files, if they fit together. */
import { badInput } from '../core/errors.ts';
import type { Dataset, Split } from './dataset.ts';
import { type HashedBytes, sha256Of } from './hashed-bytes.ts';
import { type Idx, parseIdx } from './idx.ts';
import { idxFileNames, type PerIdxFile } from './idx-files.ts';

export interface Provenance {
  readonly name: string;
  readonly source: string;
  /** The largest label plus one if not given. */
  readonly classes?: number;
}

/**
 * The dataset's images and labels are views of the files' bytes.
 * @param files uncompressed
 * @throws PennygradError `bad-input` that names the file that is not IDX or does not fit the others
 */
export function assembleDataset(files: PerIdxFile<HashedBytes>, provenance: Provenance): Dataset {
  const train = readSplit(files['train-images-idx3-ubyte'], files['train-labels-idx1-ubyte']);
  const test = readSplit(files['t10k-images-idx3-ubyte'], files['t10k-labels-idx1-ubyte']);
  if (train.height !== test.height || train.width !== test.width) {
    throw badInput(
      `${files['t10k-images-idx3-ubyte'].where}: test images are ${test.height} × ${test.width} pixels, training images ${train.height} × ${train.width}; they must be equal`,
    );
  }
  const largest = Math.max(train.largestLabel, test.largestLabel);
  const classes = provenance.classes ?? largest + 1;
  if (classes < 2) {
    throw badInput(
      `${files['train-labels-idx1-ubyte'].where}: all labels are 0; a classifier needs at least two classes`,
    );
  }
  for (const [split, name] of [
    [train, 'train-labels-idx1-ubyte'],
    [test, 't10k-labels-idx1-ubyte'],
  ] as const) {
    if (split.largestLabel >= classes) {
      throw badInput(
        `${files[name].where}: holds label ${split.largestLabel}; ${provenance.name} has labels 0 to ${classes - 1}`,
      );
    }
  }
  const sums = idxFileNames.map((name) => files[name].sha256);
  return {
    ...provenance,
    classes,
    digest: sha256Of(sums.join('')),
    sha256: Object.fromEntries(idxFileNames.map((name) => [name, files[name].sha256])),
    imageShape: [train.height, train.width, 1],
    trainCount: train.split.count,
    testCount: test.split.count,
    train: train.split,
    test: test.split,
  };
}

interface ReadSplit {
  readonly split: Split;
  readonly height: number;
  readonly width: number;
  readonly largestLabel: number;
}

function readSplit(imageFile: HashedBytes, labelFile: HashedBytes): ReadSplit {
  const images = tensorOf(imageFile, ['images', 'height', 'width']);
  const labels = tensorOf(labelFile, ['labels']);
  const [count = 0, height = 0, width = 0] = images.shape;
  if (labels.data.length !== count) {
    throw badInput(
      `${labelFile.where}: holds ${labels.data.length} labels for the ${count} images of ${imageFile.where}; the counts must be equal`,
    );
  }
  const split = { count, images: images.data, labels: labels.data };
  return { split, height, width, largestLabel: labels.data.reduce((a, b) => Math.max(a, b), 0) };
}

function tensorOf(file: HashedBytes, dimensions: readonly string[]): Idx {
  const idx = parseIdx(file.bytes, file.where);
  if (idx.shape.length !== dimensions.length || idx.shape.includes(0)) {
    throw badInput(
      `${file.where}: has shape [${idx.shape.join(', ')}]; expected ${dimensions.length} dimensions (${dimensions.join(', ')}), none of them 0`,
    );
  }
  return idx;
}
