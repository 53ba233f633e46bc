/** A "published" dataset of a few kilobytes, with its IDX bytes and sums made here and not by the code under test. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { PublishedDataset } from '../../src/shared/data/catalog.ts';
import { type IdxFileName, idxFileNames, type PerIdxFile } from '../../src/shared/data/idx-files.ts';

export interface SmallDataset {
  readonly dataset: PublishedDataset;
  readonly contents: PerIdxFile<Buffer>;
  readonly archives: PerIdxFile<Buffer>;
}

const shapes: PerIdxFile<readonly number[]> = {
  'train-images-idx3-ubyte': [20, 5, 4],
  'train-labels-idx1-ubyte': [20],
  't10k-images-idx3-ubyte': [6, 5, 4],
  't10k-labels-idx1-ubyte': [6],
};

/** @param of what the published sums are sums of */
export function smallDataset(of: 'content' | 'archive' = 'content'): SmallDataset {
  const contents = perFile((name) => idxBytes(shapes[name], (i) => (i * 7) % (name.includes('labels') ? 10 : 256)));
  const archives = perFile((name) => gzipSync(contents[name]));
  return {
    contents,
    archives,
    dataset: {
      name: 'mnist',
      title: 'Small',
      classes: 10,
      mirrors: [],
      files: idxFileNames.map((name) => ({
        dataset: 'mnist',
        name,
        shape: shapes[name],
        checksum: { of, sha256: sha256(of === 'content' ? contents[name] : archives[name]) },
      })),
    },
  };
}

export function perFile<T>(make: (name: IdxFileName) => T): PerIdxFile<T> {
  return Object.fromEntries(idxFileNames.map((name) => [name, make(name)])) as PerIdxFile<T>;
}

/** IDX bytes written by hand: 00 00 08, dimensions, big-endian sizes, elements. */
export function idxBytes(shape: readonly number[], element: (index: number) => number): Buffer {
  const count = shape.reduce((product, size) => product * size, 1);
  const sizes = shape.flatMap((size) => [size >>> 24, (size >>> 16) & 0xff, (size >>> 8) & 0xff, size & 0xff]);
  return Buffer.from([0, 0, 8, shape.length, ...sizes, ...Array.from({ length: count }, (_, i) => element(i))]);
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
