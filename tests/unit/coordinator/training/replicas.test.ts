import { describe, expect, it } from 'vitest';
import { findOddReplica, firstOfEachKey, relativeDistance } from '../../../../src/coordinator/training/replicas.ts';

describe('replicas', () => {
  it('are grouped by their key, in the order of ranks', () => {
    expect(firstOfEachKey(['a', 'b', 'a', 'c', 'b'])).toEqual([0, 1, 3]);
  });

  it('with one key must have one checksum; others may have others', () => {
    const keys = ['a', 'b', 'a', 'b'];
    expect(findOddReplica(keys, [1, 2, 1, 2])).toBeUndefined();
    expect(findOddReplica(keys, [1, 2, 1, 1])).toEqual({ rank: 3, expected: 1 });
    expect(findOddReplica(keys, [1, 2, undefined, 2])).toEqual({ rank: 2, expected: 0 });
  });

  it('are as far apart as their difference is long, relative to the first', () => {
    const a = Float32Array.of(3, 4);
    expect(relativeDistance(a, a.slice())).toBe(0);
    expect(relativeDistance(a, Float32Array.of(3, 4.5))).toBe(0.1);
    expect(relativeDistance(Float32Array.of(0, 0), Float32Array.of(0, 0))).toBe(0);
    expect(relativeDistance(Float32Array.of(0, 0), a)).toBe(Number.POSITIVE_INFINITY);
    expect(relativeDistance(a, Float32Array.of(3, Number.NaN))).toBeNaN();
  });
});
