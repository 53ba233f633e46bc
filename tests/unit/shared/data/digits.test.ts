import { expect, test } from 'vitest';
import { generateDigits } from '../../../../src/shared/data/digits.ts';
import { idxBytes, sha256 } from '../../../support/small-dataset.ts';
import { rounds, thorough } from '../../../support/thoroughness.ts';

// Drawing it takes a second or two. `npm run check` has its digest in load-dataset.test.ts.
if (thorough)
  test('the standard set is the same everywhere, for ever', () => {
    const { name, classes, imageShape, trainCount, testCount, digest } = generateDigits();
    expect({ name, classes, imageShape, trainCount, testCount }).toEqual({
      name: 'digits',
      classes: 10,
      imageShape: [28, 28, 1],
      trainCount: 10_000,
      testCount: 2000,
    });
    // Workers on unlike hosts compare this; a change of it is a change of the dataset.
    expect(digest).toBe('4f4a2aae1a8e1652dce255a9416eada92dedea167a4cddf8f5ff42d96b5514b9');
  });

test('the seed decides every byte', () => {
  const options = { trainCount: 50, testCount: 20 };
  const once = generateDigits({ ...options, seed: 7 });
  const { train, test: held, ...again } = generateDigits({ ...options, seed: 7 });
  expect(again).toEqual({ ...once, train: undefined, test: undefined });
  for (const [split, other] of [
    [train, once.train],
    [held, once.test],
  ] as const) {
    expect(split.count).toBe(other.count);
    expect(Buffer.compare(split.images, other.images)).toBe(0);
    expect(Buffer.compare(split.labels, other.labels)).toBe(0);
  }
  expect(generateDigits({ ...options, seed: 8 }).digest).not.toBe(once.digest);
});

test('the sums are those of the IDX files', () => {
  const { sha256: sums, train } = generateDigits({ trainCount: 30, testCount: 10 });
  expect(sums['train-images-idx3-ubyte']).toBe(sha256(idxBytes([30, 28, 28], (i) => train.images[i] ?? 0)));
  expect(sums['train-labels-idx1-ubyte']).toBe(sha256(idxBytes([30], (i) => i % 10)));
});

test('every digit is as frequent as any other, no image occurs twice, and all have ink within the frame', () => {
  const { train, test: held } = generateDigits({ trainCount: rounds(200, 2000), testCount: rounds(50, 500) });
  const counts = new Array(10).fill(0);
  const seen = new Set<string>();
  for (const split of [train, held]) {
    for (let i = 0; i < split.count; i++) {
      const image = split.images.subarray(i * 784, (i + 1) * 784);
      counts[split.labels[i] ?? 0] += 1;
      seen.add(sha256(image));
      const ink = inkIn(image, 0, 28);
      expect(ink).toBeGreaterThan(2000);
      expect(inkIn(image, 1, 27)).toBeGreaterThan(0.8 * ink);
    }
  }
  expect(counts).toEqual(new Array(10).fill(rounds(25, 250)));
  expect(seen.size).toBe(rounds(250, 2500));
});

/** Sum of the grey levels above noise in rows and columns `from` to `to`. */
function inkIn(image: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let row = from; row < to; row++) {
    for (let column = from; column < to; column++) {
      const level = image[row * 28 + column] ?? 0;
      if (level > 60) sum += level;
    }
  }
  return sum;
}
