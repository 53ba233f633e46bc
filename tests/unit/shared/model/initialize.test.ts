import { describe, expect, it } from 'vitest';
import { initialParameters } from '../../../../src/shared/model/initialize.ts';

describe('initialParameters', () => {
  const shapes = [[3, 3, 2, 16], [16], [40, 50], [50]];
  const sizes = [288, 16, 2000, 50];
  const parts = (seed: number) => {
    const flat = initialParameters(shapes, seed);
    let offset = 0;
    return sizes.map((size) => {
      offset += size;
      return flat.subarray(offset - size, offset);
    });
  };

  it('gives one float a parameter', () => {
    expect(initialParameters(shapes, 1).length).toBe(288 + 16 + 2000 + 50);
  });

  it('leaves biases zero', () => {
    const [, bias1, , bias2] = parts(1);
    expect(bias1?.every((b) => b === 0)).toBe(true);
    expect(bias2?.every((b) => b === 0)).toBe(true);
  });

  it.each([
    [0, Math.sqrt(6 / (3 * 3 * 2 + 3 * 3 * 16))],
    [2, Math.sqrt(6 / (40 + 50))],
  ])("fills Glorot's interval evenly: variable %i", (index, limit) => {
    const kernel = parts(1)[index] ?? new Float32Array(0);
    const magnitudes = kernel.map(Math.abs);
    expect(Math.max(...magnitudes)).toBeLessThanOrEqual(Math.fround(limit));
    expect(Math.max(...magnitudes)).toBeGreaterThan(0.98 * limit);
    const mean = kernel.reduce((sum, w) => sum + w, 0) / kernel.length;
    const variance = kernel.reduce((sum, w) => sum + w * w, 0) / kernel.length;
    // Four standard errors of a uniform distribution's mean and variance.
    expect(Math.abs(mean)).toBeLessThan((4 * limit) / Math.sqrt(3 * kernel.length));
    expect(Math.abs(variance / (limit ** 2 / 3) - 1)).toBeLessThan(4 * Math.sqrt(0.8 / kernel.length));
  });

  it('depends on the seed, and on nothing else', () => {
    expect(initialParameters(shapes, 3)).toEqual(initialParameters(shapes, 3));
    expect(initialParameters(shapes, 3)).not.toEqual(initialParameters(shapes, 4));
  });

  it('gives a variable the same values whatever the variables before it', () => {
    const [, , kernel] = parts(1);
    const other = initialParameters([[5, 5], [5], [40, 50]], 1);
    expect(other.subarray(30)).toEqual(kernel);
  });
});
