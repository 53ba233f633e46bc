import { expect, test } from 'vitest';
import { sampleRatio } from '../../../../src/economics/comparison/sample-ratio.ts';

const ratioOf = (fleet: readonly [usd: number | undefined, rate: number], other: typeof fleet) => {
  const [a, b] = [fleet, other].map(([usdPerHour, rate]) => ({ usdPerHour, rates: [rate] }));
  if (a === undefined || b === undefined) throw new Error('two fleets');
  const { seconds, usd } = sampleRatio(a, b);
  return [seconds.value, usd.value].map((value) => Number(value.toFixed(12)));
};

test('a fleet twice as fast takes half of the time, and costs the ratio of the prices for it', () => {
  expect(ratioOf([3, 2000], [1, 1000])).toEqual([0.5, 1.5]);
  expect(ratioOf([1, 1000], [3, 2000])).toEqual([2, 0.666666666667]);
});

test('free fleets are compared by their time, and cost nothing beside one with a price', () => {
  expect(ratioOf([0, 2000], [0, 1000])).toEqual([0.5, 0.5]);
  expect(ratioOf([undefined, 2000], [undefined, 1000])).toEqual([0.5, 0.5]);
  expect(ratioOf([0, 2000], [1, 1000])).toEqual([0.5, 0]);
});
