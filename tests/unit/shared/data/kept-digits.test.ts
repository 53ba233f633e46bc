import { readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadDigits } from '../../../../src/shared/data/kept-digits.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

/** The standard set, by the digest that digits.test.ts pins. */
const digest = '4f4a2aae1a8e1652dce255a9416eada92dedea167a4cddf8f5ff42d96b5514b9';

test('the set is drawn once, and read from then on; what is damaged is drawn again', async () => {
  const cache = temporaryFolder();
  const folder = join(cache, 'digits');
  // A file that is put in place again is another file.
  const files = () => Object.fromEntries(readdirSync(folder).map((name) => [name, statSync(join(folder, name)).ino]));
  const drawn = await loadDigits(cache);
  expect(drawn.digest).toBe(digest);
  const kept = files();
  expect(Object.keys(kept)).toHaveLength(4);
  const read = await loadDigits(cache);
  expect(files()).toEqual(kept);
  expect({ ...read, train: undefined, test: undefined }).toEqual({ ...drawn, train: undefined, test: undefined });
  expect(Buffer.compare(read.train.images, drawn.train.images)).toBe(0);
  expect(Buffer.compare(read.test.labels, drawn.test.labels)).toBe(0);

  truncateSync(join(folder, 't10k-images-idx3-ubyte'), 1000);
  expect((await loadDigits(cache)).digest).toBe(digest);
  const mended = files();
  expect(mended).not.toEqual(kept);
  await loadDigits(cache);
  expect(files()).toEqual(mended);
});

test('a cache that cannot be written does not matter', async () => {
  const cache = join(temporaryFolder(), 'file');
  writeFileSync(cache, '');
  expect((await loadDigits(cache)).digest).toBe(digest);
});
