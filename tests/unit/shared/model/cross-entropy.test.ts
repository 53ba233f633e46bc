import { describe, expect, it } from 'vitest';
import { crossEntropy, softmaxRows } from '../../../../src/shared/model/cross-entropy.ts';

describe('crossEntropy', () => {
  it('of equal logits is ln(classes) a sample', () => {
    const { lossSum } = crossEntropy(new Float32Array(8).fill(3), Uint8Array.of(0, 3), 4);
    expect(lossSum).toBeCloseTo(2 * Math.log(4), 9);
  });

  it('is −ln p of the label', () => {
    const logits = Float32Array.of(Math.log(1), Math.log(2), Math.log(5));
    for (const [label, p] of [1 / 8, 2 / 8, 5 / 8].entries()) {
      expect(crossEntropy(logits, Uint8Array.of(label), 3).lossSum).toBeCloseTo(-Math.log(p), 6);
    }
  });

  it('survives logits that no exponential does', () => {
    const gradients = new Float32Array(4);
    const logits = Float32Array.of(1000, -1000, 1000, -1000);
    expect(crossEntropy(logits, Uint8Array.of(0, 1), 2, gradients).lossSum).toBe(2000);
    expect(Array.from(gradients)).toEqual([0, 0, 1, -1]);
  });

  it('has the gradients that central differences give', () => {
    const labels = Uint8Array.of(2, 0, 1);
    const logits = Float32Array.from({ length: 9 }, (_, i) => 2 * Math.sin(5 * i));
    const gradients = new Float32Array(9);
    crossEntropy(logits, labels, 3, gradients);
    for (const [i, gradient] of gradients.entries()) {
      // Powers of two, so that single precision moves the logits exactly this far or next to it.
      const moved = (by: number) => logits.map((logit, j) => (i === j ? logit + by : logit));
      const [above, below] = [moved(2 ** -8), moved(-(2 ** -8))];
      const rise = crossEntropy(above, labels, 3).lossSum - crossEntropy(below, labels, 3).lossSum;
      const run = (above[i] ?? 0) - (below[i] ?? 0);
      expect(rise / run).toBeCloseTo(gradient, 5);
    }
  });

  it('counts the first of equally large logits as the prediction', () => {
    const logits = Float32Array.of(1, 2, 2, 0, 0, 0, 3, 1, 2);
    expect(crossEntropy(logits, Uint8Array.of(1, 0, 0), 3).correct).toBe(3);
    expect(crossEntropy(logits, Uint8Array.of(2, 1, 2), 3).correct).toBe(0);
  });

  it('passes on what is not a number', () => {
    expect(crossEntropy(Float32Array.of(Number.NaN, 0), Uint8Array.of(1), 2).lossSum).toBeNaN();
    expect(crossEntropy(Float32Array.of(0, Number.NaN), Uint8Array.of(0), 2).lossSum).toBeNaN();
  });

  it('refuses a label that is no class', () => {
    expect(() => crossEntropy(new Float32Array(3), Uint8Array.of(3), 3)).toThrow(/label 3 is not one of 3 classes/);
  });
});

describe('softmaxRows', () => {
  it('gives probabilities in the ratio of the exponentials, row by row', () => {
    const rows = softmaxRows(Float32Array.of(0, Math.log(3), 800, 800), 2);
    expect(rows[0]).toBeCloseTo(0.25, 6);
    expect(rows[1]).toBeCloseTo(0.75, 6);
    expect(Array.from(rows.subarray(2))).toEqual([0.5, 0.5]);
  });
});
