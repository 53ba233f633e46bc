import { expect, test } from 'vitest';
import { nameSamples } from '../../../../src/shared/core/sample-names.ts';

test.each([
  [32, 64, undefined, 'positions 32 to 63 of epoch 2'],
  [5, 6, [41], 'position 5 of epoch 2 (training image 41)'],
  [5, 8, [41, 7, 9], 'positions 5 to 7 of epoch 2 (training images 41, 7, 9)'],
  [5, 9, [41, 7, 9, 1], 'positions 5 to 8 of epoch 2 (training images 41, 7, 9 and 1 more)'],
  [5, 5, [], 'no samples of epoch 2'],
])('samples %d to %d are named', (from, to, images, name) => {
  expect(nameSamples(1, { from, to }, images && Uint32Array.from(images))).toBe(name);
});
