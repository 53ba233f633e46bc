import { describe, expect, it } from 'vitest';
import { modelSize, trainingFlops } from '../../../src/bench/model-flops.ts';

describe('trainingFlops', () => {
  it('spares the first layer the gradient of its input', () => {
    expect(trainingFlops([{ weights: 6, positions: 10 }])).toBe(2 * 2 * 60);
    expect(trainingFlops([])).toBe(0);
    expect(
      trainingFlops([
        { weights: 6, positions: 10 },
        { weights: 5, positions: 1 },
      ]),
    ).toBe(2 * 2 * 60 + 3 * 2 * 5);
  });
});

describe('modelSize', () => {
  it('of the CNN on digits, by hand', async () => {
    // Outputs are 26 × 26 (pooled to 13 × 13), 11 × 11 (pooled to 5 × 5) and 3 × 3 pixels.
    const first = 3 * 3 * 1 * 32 * 26 * 26;
    const others = 3 * 3 * 32 * 64 * 11 * 11 + 3 * 3 * 64 * 64 * 3 * 3 + 3 * 3 * 64 * 64 + 64 * 10;
    expect(first).toBe(194_688);
    expect(others).toBe(2_599_552);
    expect(await modelSize({ name: 'cnn', inputShape: [28, 28, 1], classes: 10 })).toEqual({
      parameters: 93_322,
      flops: 4 * 194_688 + 6 * 2_599_552,
    });
  });

  it('of a softmax regression is the product of its matrix, forward and for the weights', async () => {
    expect(await modelSize({ name: 'softmax', inputShape: [5, 4, 3], classes: 7 })).toEqual({
      parameters: 60 * 7 + 7,
      flops: 2 * 2 * 60 * 7,
    });
  });
});
