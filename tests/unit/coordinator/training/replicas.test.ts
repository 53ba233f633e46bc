import { describe, expect, it } from 'vitest';
import { numericsKey } from '../../../../src/coordinator/membership/worker.ts';
import {
  compareReplicas,
  findMinority,
  findOddReplica,
  firstOfEachKey,
  relativeDistance,
  replicaTolerance,
  requireEqualReplicas,
} from '../../../../src/coordinator/training/replicas.ts';
import { memberOf } from '../generation/members.ts';
import { stateOf } from './scripted-generation.ts';

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

  it.each([
    ['all are equal', 'aaa', [1, 1, 1], undefined],
    ['one of three differs', 'aaa', [1, 2, 1], [1]],
    ['one of four differs', 'aaaa', [2, 1, 1, 1], [0]],
    ['two of five differ', 'aaaaa', [1, 2, 1, 3, 1], [1, 3]],
    ['one of two differs', 'aa', [1, 2], undefined],
    ['half of four differ', 'aaaa', [1, 1, 2, 2], undefined],
    ['all differ', 'aaa', [1, 2, 3], undefined],
    ['one differs from its kind, and another kind has other parameters', 'abababb', [1, 5, 1, 5, 2, 5, 5], [4]],
    ['one of each kind differs', 'aaabbb', [1, 2, 1, 5, 5, 6], [1, 5]],
    // Nobody says which of the two is right, so the run ends.
    ['one kind has no majority', 'aaabb', [1, 2, 1, 5, 6], undefined],
    ['each is the only one of its kind', 'abc', [1, 2, 3], undefined],
  ])('are outvoted by most of their kind: %s', (_, keys, checksums, minority) => {
    expect(findMinority([...keys], checksums)).toEqual(minority);
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

describe('replicas with the same arithmetic', () => {
  const members = [memberOf(0), memberOf(1, 'arm64'), memberOf(2, 'arm64')];

  it('are those of one engine, device and CPU', () => {
    expect(members.map(numericsKey)).toEqual([
      'wasm (wasm, SIMD) on x64',
      'wasm (wasm, SIMD) on arm64',
      'wasm (wasm, SIMD) on arm64',
    ]);
    expect(numericsKey(memberOf(0, 'x64', 'tensorflow'))).toBe('tensorflow (wasm, SIMD) on x64');
  });

  it('must have the same parameters, which those with another need not', () => {
    expect(() => requireEqualReplicas(members, [1, 2, 2], 7)).not.toThrow();
    expect(() => requireEqualReplicas(members, [undefined, undefined, undefined], 7)).not.toThrow();
  });

  it('or the run ends by the name of the one that differs', () => {
    expect(() => requireEqualReplicas(members, [1, 2, 3], 7)).toThrow(
      expect.objectContaining({
        code: 'run-failed',
        message:
          'worker w2 (rank 2, pid 102 on alpha) holds other parameters than rank 1 before step 7, though both compute ' +
          'with wasm (wasm, SIMD) on arm64; their replicas must be identical',
      }),
    );
  });
});

describe('replicas with different arithmetic', () => {
  const members = [memberOf(0), memberOf(1, 'arm64')];
  /** As far from rank 0's as this, relative to their length of 13. */
  const apart = (distance: number) => stateOf(2, [3, 4, 12 + 13 * distance]);

  it('are told apart by their checksums, and by the largest distance', () => {
    expect(compareReplicas(members, [stateOf(1), stateOf(1)], 3, 7)).toEqual({ identical: true, difference: 0 });
    const three = [...members, memberOf(2, 'riscv')];
    const comparison = compareReplicas(three, [stateOf(1), apart(2 ** -16), apart(2 ** -17)], 3, 7);
    expect(comparison.identical).toBe(false);
    expect(comparison.difference).toBeCloseTo(2 ** -16, 7);
  });

  it('may be as far apart as rounding takes them, and the run ends by the name of one that is further', () => {
    expect(replicaTolerance).toBe(1e-4);
    expect(() => compareReplicas(members, [stateOf(1), apart(0.99e-4)], 3, 7)).not.toThrow();
    expect(() => compareReplicas(members, [stateOf(1), apart(1.01e-4)], 3, 7)).toThrow(
      expect.objectContaining({
        code: 'run-failed',
        message:
          "worker w1 (rank 1, pid 101 on alpha) (wasm (wasm, SIMD) on arm64) holds parameters 1.0e-4 from rank 0's before " +
          'step 7, relative to their length; rounding explains 0.0001 at most',
      }),
    );
  });

  it.each([
    ['too few parameters', stateOf(2, [3, 4])],
    ['too many parameters', stateOf(2, [3, 4, 12, 0])],
    ['no parameters', { ...stateOf(2), tensors: [] }],
    ['a parameter that is no number', stateOf(2, [3, 4, Number.NaN])],
  ])('end the run where one has %s', (_, answer) => {
    expect(() => compareReplicas(members, [stateOf(1), answer], 3, 7)).toThrow(
      /worker w1 .* holds parameters NaN from/,
    );
  });

  it('end the run by the name of rank 0 where that has none', () => {
    const none = { ...stateOf(1), tensors: [] };
    expect(() => compareReplicas(members, [none, stateOf(2)], 3, 7)).toThrow(/^worker w0 .* holds parameters NaN from/);
  });
});
