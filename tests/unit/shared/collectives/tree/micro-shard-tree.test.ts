import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  childrenOf,
  isRoot,
  leafCount,
  leavesOf,
  leavesOfShare,
  nodesOf,
} from '../../../../../src/shared/collectives/tree/micro-shard-tree.ts';
import { rounds } from '../../../../support/thoroughness.ts';

const ofRun = (from: number, to: number, leaves: number) =>
  nodesOf({ from, to }, leaves).map((node) => leavesOf(node, leaves));

describe('the tree of micro-shards', () => {
  it('has a leaf for each micro-shard that is begun', () => {
    expect([1, 8, 9, 64, 65].map((samples) => leafCount(samples, 8))).toEqual([1, 1, 2, 8, 9]);
  });

  it('is made of halves, of which the last may be missing', () => {
    expect(childrenOf({ level: 2, index: 1 }, 8)).toEqual([
      { level: 1, index: 2 },
      { level: 1, index: 3 },
    ]);
    expect(childrenOf({ level: 1, index: 3 }, 8)).toEqual([
      { level: 0, index: 6 },
      { level: 0, index: 7 },
    ]);
    expect(childrenOf({ level: 2, index: 1 }, 6)).toEqual([{ level: 1, index: 2 }]);
    expect(childrenOf({ level: 0, index: 5 }, 8)).toEqual([]);
  });

  it('ends with the lowest node that covers all leaves', () => {
    const roots = [1, 2, 3, 4, 5, 8].map((leaves) => nodesOf({ from: 0, to: leaves }, leaves));
    expect(roots).toEqual([0, 1, 2, 2, 3, 3].map((level) => [{ level, index: 0 }]));
    expect(isRoot({ level: 2, index: 0 }, 4)).toBe(true);
    expect(isRoot({ level: 2, index: 0 }, 5)).toBe(false);
  });

  it.each([
    ['all leaves are one node', 0, 8, 8, [[0, 8]]],
    ['a half', 4, 8, 8, [[4, 8]]],
    [
      'a third that crosses halves',
      3,
      6,
      8,
      [
        [3, 4],
        [4, 6],
      ],
    ],
    [
      'the longest cover',
      1,
      7,
      8,
      [
        [1, 2],
        [2, 4],
        [4, 6],
        [6, 7],
      ],
    ],
    ['an end that is no power of two', 4, 7, 7, [[4, 7]]],
    ['a single leaf', 0, 1, 1, [[0, 1]]],
    ['nothing', 0, 0, 8, []],
  ] as const)('covers a run with the fewest nodes: %s', (_, from, to, leaves, expected) => {
    expect(ofRun(from, to, leaves)).toEqual(expected.map(([first, end]) => ({ from: first, to: end })));
  });

  it('covers any run without gaps, with two nodes of a level at most', () => {
    const runs = fc
      .integer({ min: 1, max: 200 })
      .chain((leaves) => fc.tuple(fc.constant(leaves), fc.nat(leaves), fc.nat(leaves)))
      .map(([leaves, a, b]) => ({ leaves, from: Math.min(a, b), to: Math.max(a, b) }));
    fc.assert(
      fc.property(runs, ({ leaves, from, to }) => {
        const nodes = nodesOf({ from, to }, leaves);
        const covered = nodes.flatMap((node) => {
          const { from: first, to: end } = leavesOf(node, leaves);
          return Array.from({ length: end - first }, (_, place) => first + place);
        });
        expect(covered).toEqual(Array.from({ length: to - from }, (_, place) => from + place));
        for (const { level } of nodes) expect(nodes.filter((other) => other.level === level).length).toBeLessThan(3);
      }),
      { numRuns: rounds(200, 2000) },
    );
  });

  it('has the leaves of shares that end with the batch', () => {
    expect(leavesOfShare({ from: 8, to: 24 }, 8)).toEqual({ from: 1, to: 3 });
    expect(leavesOfShare({ from: 16, to: 19 }, 8)).toEqual({ from: 2, to: 3 });
    expect(leavesOfShare({ from: 19, to: 19 }, 8)).toEqual({ from: 0, to: 0 });
  });
});
