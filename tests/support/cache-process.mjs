// One of several processes that share a cache, run against the built package:
//   store FOLDER PAYLOAD   stores a file's bytes as MNIST's training images, again and again, until killed
//   read FOLDER            reads them until its input ends, and prints how often it saw which SHA-256
//   load FOLDER MIRROR     loads MNIST from a mirror alone, and prints where it came from and its digest
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCache } from '../../dist/shared/data/cache.js';
import { publishedDatasets } from '../../dist/shared/data/catalog.js';
import { loadDataset } from '../../dist/shared/data/load-dataset.js';

const [mode, folder, argument] = process.argv.slice(2);
const [images] = publishedDatasets.mnist.files;
const onWarning = (line) => {
  throw new Error(line);
};

if (mode === 'store') {
  const cache = openCache(folder, onWarning);
  const bytes = readFileSync(argument);
  for (;;) {
    await cache.store(images, { where: argument, bytes, sha256: '' });
    console.log('stored');
  }
}

if (mode === 'read') {
  const cache = openCache(folder, onWarning);
  const seen = {};
  let wanted = true;
  process.stdin.resume().on('end', () => {
    wanted = false;
  });
  while (wanted) {
    const { sha256 } = await cache.read(images);
    seen[sha256] = (seen[sha256] ?? 0) + 1;
  }
  console.log(JSON.stringify(seen));
}

if (mode === 'load') {
  const packageDir = join(folder, 'no-package-here');
  const { source, digest } = await loadDataset('mnist', {
    cacheDir: folder,
    mirrors: [argument],
    packageDir,
    onWarning,
  });
  console.log(JSON.stringify({ source, digest }));
}
