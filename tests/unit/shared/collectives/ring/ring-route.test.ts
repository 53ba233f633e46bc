import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { around, rankAt, ringRoute } from '../../../../../src/shared/collectives/ring/ring-route.ts';
import { sumOf } from '../../../../../src/shared/core/sums.ts';

const routes = (worldSize: number, floats: number) =>
  Array.from({ length: worldSize }, (_, rank) => ringRoute(rank, worldSize, floats));

const sizes = fc.record({ worldSize: fc.integer({ min: 1, max: 9 }), floats: fc.integer({ min: 0, max: 1_000_000 }) });

describe('the way around a ring', () => {
  it('takes each piece past every rank once, and covers the vector', () => {
    fc.assert(
      fc.property(sizes, ({ worldSize, floats }) => {
        const all = routes(worldSize, floats);
        const places = all[0]?.pieces.map((_, place) => all.map(({ pieces }) => pieces[place])) ?? [];
        let end = 0;
        for (const sameOnAll of places) {
          const hops = sameOnAll.map((piece) => piece?.hops ?? -1);
          expect(hops.toSorted((a, b) => a - b)).toEqual([...all.keys()]);
          // The rank before has added to it just before.
          for (const [rank, hop] of hops.entries()) if (hop > 0) expect(hops[all[rank]?.before ?? -1]).toBe(hop - 1);
          expect(sameOnAll.every((piece) => piece?.from === end)).toBe(true);
          end = sameOnAll[0]?.to ?? -1;
        }
        expect(end).toBe(floats);
      }),
    );
  });

  it('sends no longer pieces than leave while others come', () => {
    const lengths = ringRoute(1, 2, 1_000_000).pieces.map(({ from, to }) => to - from);
    expect(lengths).toEqual(Array(8).fill(125_000));
  });

  it('has all ranks send what the next receives: 2 (N − 1) / N vectors, give or take the intervals that differ by a float', () => {
    fc.assert(
      fc.property(sizes, ({ worldSize, floats }) => {
        const all = routes(worldSize, floats);
        for (const [rank, route] of all.entries()) {
          expect(route.floats.sent).toBe(all[rankAt(rank + 1, worldSize)]?.floats.received);
          expect(Math.abs(route.floats.sent - (2 * (worldSize - 1) * floats) / worldSize)).toBeLessThan(2);
        }
        expect(sumOf(all.map((route) => route.floats.sent))).toBe(2 * (worldSize - 1) * floats);
      }),
    );
  });

  it('begins every interval at one rank, and completes it at the one before that', () => {
    const all = routes(4, 42);
    for (const [rank, { begunHere, pieces, before }] of all.entries()) {
      const [own] = pieces.filter(({ hops }) => hops === 0);
      expect(own).toMatchObject(begunHere);
      expect(all[before]?.completedHere).toEqual(begunHere);
      expect(before).toBe((rank + 3) % 4);
    }
  });
});

it('counts ranks around the ring in either direction', () => {
  expect([-5, -1, 0, 2, 3, 7].map((place) => rankAt(place, 3))).toEqual([1, 2, 0, 2, 0, 1]);
});

it.each([
  [
    { from: 2, to: 5 },
    [
      [0, 2],
      [5, 9],
    ],
  ],
  [{ from: 0, to: 5 }, [[5, 9]]],
  [{ from: 5, to: 9 }, [[0, 5]]],
  [{ from: 0, to: 9 }, [[0, 0]]],
])('what is around an interval: %j', (interval, expected) => {
  expect(around(interval, 9)).toEqual(expected.map(([from, to]) => ({ from, to })));
});
