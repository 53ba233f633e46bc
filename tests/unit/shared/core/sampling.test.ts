import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  epochOrder,
  evenShares,
  globalBatch,
  memoizedOrder,
  plannedSteps,
  samplesOfSteps,
  stepsPerEpoch,
  weightedShares,
} from '../../../../src/shared/core/sampling.ts';

const lengthsOf = (shares: readonly { readonly from: number; readonly to: number }[]) =>
  shares.map(({ from, to }) => to - from);

describe('epochOrder', () => {
  it('visits every sample once', () => {
    expect([...epochOrder(1, 0, 1000)].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  it('depends on seed and epoch alone', () => {
    expect(epochOrder(1, 0, 100)).toEqual(epochOrder(1, 0, 100));
    expect(epochOrder(1, 0, 100)).not.toEqual(epochOrder(1, 1, 100));
    expect(epochOrder(1, 0, 100)).not.toEqual(epochOrder(2, 0, 100));
  });

  it('is the same in every version, since a resumed run goes on in the middle of it', () => {
    expect([...epochOrder(1, 0, 12)]).toEqual([11, 4, 5, 1, 3, 9, 2, 0, 8, 6, 7, 10]);
    expect([...epochOrder(2024, 7, 12)]).toEqual([10, 8, 7, 5, 2, 1, 11, 3, 4, 6, 9, 0]);
  });
});

describe('memoizedOrder', () => {
  it('is the order of each epoch, made once for all who ask for it in a row', () => {
    const orderOf = memoizedOrder(2024, 100);
    const orders = [0, 0, 1, 1, 0].map(orderOf);
    expect(orders).toEqual([0, 0, 1, 1, 0].map((epoch) => epochOrder(2024, epoch, 100)));
    expect(orders[1]).toBe(orders[0]);
    expect(orders[3]).toBe(orders[2]);
  });
});

describe('an epoch cut into steps and shares', () => {
  const sizes = fc.record({
    samples: fc.integer({ min: 1, max: 2000 }),
    batch: fc.integer({ min: 1, max: 300 }),
    world: fc.integer({ min: 1, max: 12 }),
  });

  it('applies every position exactly once, in order', () => {
    fc.assert(
      fc.property(sizes, ({ samples, batch, world }) => {
        const visited: number[] = [];
        for (let step = 0; step < stepsPerEpoch(samples, batch); step++) {
          for (const { from, to } of evenShares(globalBatch(step, batch, samples), world)) {
            for (let position = from; position < to; position++) visited.push(position);
          }
        }
        expect(visited).toEqual(Array.from({ length: samples }, (_, i) => i));
      }),
    );
  });

  it('gives ranks shares that differ by at most one sample, the longer ones first', () => {
    fc.assert(
      fc.property(sizes, ({ samples, batch, world }) => {
        const lengths = lengthsOf(evenShares(globalBatch(0, batch, samples), world));
        expect(lengths).toHaveLength(world);
        expect((lengths[0] ?? 0) - (lengths.at(-1) ?? 0)).toBeLessThanOrEqual(1);
        expect(lengths).toEqual([...lengths].sort((a, b) => b - a));
      }),
    );
  });

  it('has nothing past the end of the epoch', () => {
    expect(globalBatch(2, 64, 150)).toEqual({ from: 128, to: 150 });
    expect(globalBatch(3, 64, 150)).toEqual({ from: 150, to: 150 });
  });
});

describe('weightedShares', () => {
  it.each([
    {
      what: 'whole weights that sum to the length are the shares',
      weights: [1, 2, 3, 4],
      length: 10,
      shares: [1, 2, 3, 4],
    },
    { what: 'only their ratio counts', weights: [0.25, 0.5, 0.25], length: 8, shares: [2, 4, 2] },
    {
      what: 'one sample left goes to the largest remainder, here 0.6',
      weights: [3, 3.4, 3.6],
      length: 10,
      shares: [3, 3, 4],
    },
    { what: 'two left go to the two largest', weights: [1.4, 1.9, 1.7], length: 5, shares: [1, 2, 2] },
    { what: 'the remainder decides, not the share', weights: [5.1, 0.9], length: 6, shares: [5, 1] },
    { what: 'equal remainders go to the lower rank', weights: [1, 1, 2], length: 2, shares: [1, 0, 1] },
    { what: 'whichever ranks they are of', weights: [2, 1, 1], length: 2, shares: [1, 1, 0] },
    { what: 'a weight of 0 gets nothing', weights: [1, 0, 1], length: 5, shares: [3, 0, 2] },
    { what: 'fewer samples than ranks leave some without', weights: [1, 1, 1], length: 1, shares: [1, 0, 0] },
    { what: 'no samples, no shares', weights: [1, 2], length: 0, shares: [0, 0] },
  ])('$what', ({ weights, length, shares }) => {
    expect(lengthsOf(weightedShares({ from: 100, to: 100 + length }, weights))).toEqual(shares);
  });

  it('are neighbours in rank order, from the start of the interval to its end', () => {
    expect(weightedShares({ from: 10, to: 20 }, [3, 2, 5])).toEqual([
      { from: 10, to: 13 },
      { from: 13, to: 15 },
      { from: 15, to: 20 },
    ]);
  });

  it('are as close to the ratio as whole samples can be: giving one to another rank never brings them closer', () => {
    const weights = fc
      .array(fc.integer({ min: 0, max: 50 }), { minLength: 2, maxLength: 6 })
      .filter((all) => all.some((weight) => weight > 0));
    fc.assert(
      fc.property(weights, fc.nat(200), (all, length) => {
        const total = all.reduce((sum, weight) => sum + weight, 0);
        const lengths = lengthsOf(weightedShares({ from: 0, to: length }, all));
        expect(lengths.reduce((sum, own) => sum + own, 0)).toBe(length);
        /** Samples over the exact share, times `total` so that they are whole. */
        const excess = lengths.map((own, rank) => own * total - length * (all[rank] ?? 0));
        const most = Math.max(...excess);
        const least = Math.min(...excess);
        // From `most` to `least` the squares change by 2 · total · (total − most + least).
        expect(most - least).toBeLessThanOrEqual(total);
      }),
    );
  });
});

it.each([
  [[1, 1], 0, 32, [0, 16, 32]],
  // The last unit is short.
  [[1, 1], 0, 30, [0, 16, 30]],
  [[3, 1], 8, 40, [8, 32, 40]],
  [[1, 1, 1], 0, 30, [0, 16, 24, 30]],
  // Fewer units than ranks.
  [[1, 1, 1], 0, 9, [0, 8, 9, 9]],
])('shares in the ratio of %j are whole units of 8, from %d to %d', (weights, from, to, edges) => {
  const expected = weights.map((_, rank) => ({ from: edges[rank], to: edges[rank + 1] }));
  expect(weightedShares({ from, to }, weights, 8)).toEqual(expected);
});

describe('the steps of a run', () => {
  // 10 samples in batches of 4: an epoch has two full steps and one of 2 samples.
  it('are those of its epochs, or fewer where a number of steps is set', () => {
    const planned = (maxSteps?: number) => plannedSteps({ epochs: 3, maxSteps, perStep: 4, trainCount: 10 });
    expect([planned(), planned(9), planned(10), planned(7), planned(0)]).toEqual([9, 9, 9, 7, 0]);
  });

  it('have trained on whole epochs, and on what the steps of the last one have', () => {
    const samples = [0, 1, 2, 3, 4, 6, 8].map((steps) => samplesOfSteps(steps, 4, 10));
    expect(samples).toEqual([0, 4, 8, 10, 14, 20, 28]);
  });
});
