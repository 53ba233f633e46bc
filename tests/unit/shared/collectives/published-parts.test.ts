import { describe, expect, it } from 'vitest';
import { type PublishedPart, waitForSlower } from '../../../../src/shared/collectives/published-parts.ts';
import type { PeerVectors } from '../../../../src/shared/transport/vectors.ts';

function computedFor(computeSeconds: number): PublishedPart {
  return { part: { from: 0, to: 8, lossSum: 1, correct: 2, areFinite: true }, computeSeconds };
}

function peerBy(way: PeerVectors['way']): PeerVectors {
  return { way } as PeerVectors;
}

const own = computedFor(2);

describe('the wait for slower ranks', () => {
  it.each([
    ['what the slowest took longer, where the rest was on its way', 10, [computedFor(2.5), own, computedFor(5)], 3],
    ['all of it, where it began later than this rank did', 2.5, [computedFor(9), own], 2.5],
    ['nothing for the slowest itself, however long it is on its way', 10, [computedFor(1), own, computedFor(2)], 0],
    ['not longer for a rank that has not said how long it took', 10, [undefined, own, computedFor(4)], 2],
    ['not longer for one that says what is no number', 10, [computedFor(Number.NaN), own, computedFor(4)], 2],
    ['never negative, whatever others say', 10, [computedFor(-100), own], 0],
    ['not longer than it was, whatever others say', 10, [computedFor(Number.POSITIVE_INFINITY), own], 10],
  ])('is over a network %s', (_, seconds, all, expected) => {
    const peers = all.map((part) => (part === own ? undefined : peerBy('network')));
    expect(waitForSlower(seconds, own, all, peers)).toBe(expected);
  });

  it('is all of it in memory, where nothing is on its way', () => {
    expect(waitForSlower(10, own, [computedFor(3), own], [peerBy('memory'), undefined])).toBe(10);
    expect(waitForSlower(10, own, [computedFor(3), own, own], [peerBy('memory'), undefined, peerBy('network')])).toBe(
      1,
    );
  });
});
