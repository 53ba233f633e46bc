/**
 * The published datasets: the contents of their files, their checksums, and where to download them.
 *
 * MNIST's checksums are the SHA-256 of each file's *uncompressed* content, so files are accepted however they were
 * compressed. For Fashion-MNIST and KMNIST only checksums of the published gzip archives are known. Other archives, and
 * uncompressed files, can only be checked for the right sizes.
 */
import { largestArchive } from './hashed-bytes.ts';
import { idxHeaderBytes } from './idx.ts';
import { type IdxFileName, idxFileNames, type PerIdxFile } from './idx-files.ts';

export const publishedNames = ['mnist', 'fashion-mnist', 'kmnist'] as const;
export type PublishedName = (typeof publishedNames)[number];

/** The SHA-256, in hex, of a file's uncompressed content or of its gzip archive. */
export type Checksum =
  | { readonly of: 'content'; readonly sha256: string }
  | { readonly of: 'archive'; readonly sha256: string };

export interface PublishedFile {
  readonly dataset: PublishedName;
  readonly name: IdxFileName;
  readonly shape: readonly number[];
  readonly checksum: Checksum;
}

export interface PublishedDataset {
  readonly name: PublishedName;
  readonly title: string;
  readonly classes: number;
  readonly files: readonly PublishedFile[];
  /** URLs of folders that have each file as `NAME.gz`, best first. */
  readonly mirrors: readonly string[];
}

const shapes: PerIdxFile<readonly number[]> = {
  'train-images-idx3-ubyte': [60_000, 28, 28],
  'train-labels-idx1-ubyte': [60_000],
  't10k-images-idx3-ubyte': [10_000, 28, 28],
  't10k-labels-idx1-ubyte': [10_000],
};

function publishedFiles(
  dataset: PublishedName,
  of: Checksum['of'],
  sums: PerIdxFile<string>,
): readonly PublishedFile[] {
  return idxFileNames.map((name) => ({
    dataset,
    name,
    shape: shapes[name],
    checksum: { of, sha256: sums[name] },
  }));
}

export const publishedDatasets: Readonly<Record<PublishedName, PublishedDataset>> = {
  mnist: {
    name: 'mnist',
    title: 'MNIST',
    classes: 10,
    files: publishedFiles('mnist', 'content', {
      'train-images-idx3-ubyte': 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
      'train-labels-idx1-ubyte': '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
      't10k-images-idx3-ubyte': '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
      't10k-labels-idx1-ubyte': 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
    }),
    mirrors: ['https://storage.googleapis.com/cvdf-datasets/mnist/', 'https://ossci-datasets.s3.amazonaws.com/mnist/'],
  },
  'fashion-mnist': {
    name: 'fashion-mnist',
    title: 'Fashion-MNIST',
    classes: 10,
    // From tensorflow/datasets, tensorflow_datasets/url_checksums/fashion_mnist.txt.
    files: publishedFiles('fashion-mnist', 'archive', {
      'train-images-idx3-ubyte': '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84',
      'train-labels-idx1-ubyte': 'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845',
      't10k-images-idx3-ubyte': '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073',
      't10k-labels-idx1-ubyte': '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5',
    }),
    mirrors: [
      'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/',
      'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/',
    ],
  },
  kmnist: {
    name: 'kmnist',
    title: 'KMNIST',
    classes: 10,
    // From tensorflow/datasets, tensorflow_datasets/url_checksums/kmnist.txt.
    files: publishedFiles('kmnist', 'archive', {
      'train-images-idx3-ubyte': '51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4',
      'train-labels-idx1-ubyte': 'e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17',
      't10k-images-idx3-ubyte': 'edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5',
      't10k-labels-idx1-ubyte': '20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c',
    }),
    mirrors: ['https://codh.rois.ac.jp/kmnist/dataset/kmnist/', 'http://codh.rois.ac.jp/kmnist/dataset/kmnist/'],
  },
};

/** The uncompressed size of a file, in bytes. */
export function contentBytes({ shape }: PublishedFile): number {
  return idxHeaderBytes(shape.length) + shape.reduce((product, size) => product * size, 1);
}

/** The largest possible size of an archive of the file. */
export function maxArchiveBytes(file: PublishedFile): number {
  return largestArchive(contentBytes(file));
}
