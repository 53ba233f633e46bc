import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochOrder, evenShares, globalBatch, stepsPerEpoch } from '../../../../src/shared/core/sampling.ts';

describe('epochOrder', () => {
  it('visits every sample once', () => {
    expect([...epochOrder(1, 0, 1000)].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  it('depends on seed and epoch alone', () => {
    expect(epochOrder(1, 0, 100)).toEqual(epochOrder(1, 0, 100));
    expect(epochOrder(1, 0, 100)).not.toEqual(epochOrder(1, 1, 100));
    expect(epochOrder(1, 0, 100)).not.toEqual(epochOrder(2, 0, 100));
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

  it('gives ranks shares that differ by at most one sample', () => {
    fc.assert(
      fc.property(sizes, ({ samples, batch, world }) => {
        const lengths = evenShares(globalBatch(0, batch, samples), world).map(({ from, to }) => to - from);
        expect(lengths).toHaveLength(world);
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
      }),
    );
  });
});
