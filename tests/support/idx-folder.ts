/** A small dataset on disk, in the IDX format, written here and not by the code under test. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './temporary-folder.ts';

function idx(dimensions: readonly number[], bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * dimensions.length);
  header.writeUInt32BE(0x0800 + dimensions.length, 0);
  dimensions.forEach((size, i) => {
    header.writeUInt32BE(size, 4 + 4 * i);
  });
  return Buffer.concat([header, bytes]);
}

/** Images of noise with one bright row that tells the class: quick to learn, different for every sample. */
function split(
  count: number,
  offset: number,
  side: number,
  classes: number,
): { images: Uint8Array; labels: Uint8Array } {
  const images = new Uint8Array(count * side * side);
  const labels = new Uint8Array(count);
  let state = 12345 + offset;
  for (let i = 0; i < count; i++) {
    const label = (i * 7 + offset) % classes;
    labels[i] = label;
    for (let p = 0; p < side * side; p++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      const bright = Math.floor(p / side / (side / 10)) === label;
      images[i * side * side + p] = (state >>> 26) + (bright ? 150 : 0);
    }
  }
  return { images, labels };
}

/** @param side of the images, in pixels @returns the folder */
export function writeIdxFolder(trainCount: number, testCount: number, side = 28, classes = 10): string {
  const folder = temporaryFolder();
  for (const [prefix, count, offset] of [
    ['train', trainCount, 0],
    ['t10k', testCount, 3],
  ] as const) {
    const { images, labels } = split(count, offset, side, classes);
    writeFileSync(join(folder, `${prefix}-images-idx3-ubyte`), idx([count, side, side], images));
    writeFileSync(join(folder, `${prefix}-labels-idx1-ubyte`), idx([count], labels));
  }
  return folder;
}
