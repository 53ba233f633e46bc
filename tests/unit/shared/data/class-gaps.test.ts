import { expect, test } from 'vitest';
import { describeClassGaps } from '../../../../src/shared/data/class-gaps.ts';

/** What is said of a dataset with these training labels. */
function said(classes: number, ...labels: readonly number[]): string | undefined {
  const train = { count: labels.length, images: new Uint8Array(), labels: Uint8Array.from(labels) };
  return describeClassGaps({ name: './mine', classes, train });
}

test('labels without gaps need no warning', () => {
  expect(said(3, 2, 0, 1, 0)).toBeUndefined();
});

test.each([
  ['labels that begin at 1', said(4, 1, 2, 3), 'class 0 of 4 has no training image'],
  ['a stray label', said(201, 0, 1, 2, 3, 200), '196 classes (4 to 199) of 201 have no training image'],
  ['a label that only test images have', said(3, 0, 1), 'class 2 of 3 has no training image'],
  ['some gaps', said(8, 1, 3, 4, 7), '4 classes (0, 2, 5 to 6) of 8 have no training image'],
  ['many gaps', said(12, 1, 3, 5, 7, 9, 11), '6 classes (0, 2, 4, 6, …) of 12 have no training image'],
])('%s are named', (_, warning, expected) => {
  expect(warning).toBe(`./mine: ${expected}; the classes are all labels from 0 to the largest`);
});
