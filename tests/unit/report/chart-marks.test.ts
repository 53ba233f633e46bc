/** Scripts of a report's page that say where labels and whiskers go, run as the page runs them. */
import { readFileSync } from 'node:fs';
import { createContext, runInContext } from 'node:vm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { uniform } from '../../support/realistic-numbers.ts';

interface Line {
  readonly from: { readonly x: number; readonly y: number };
  readonly to: { readonly x: number; readonly y: number };
}
interface Scripts {
  logTicks(low: number, high: number, most: number): number[];
  whiskerLines(
    x: number,
    low: number,
    high: number,
    space: { inner: { top: number; bottom: number }; ratio: number },
  ): Line[];
}
const page = createContext({}) as Scripts;
for (const name of ['log-ticks.js', 'whisker-lines.js']) {
  runInContext(readFileSync(new URL(`../../../assets/report/${name}`, import.meta.url), 'utf8'), page);
}

test('labels of a logarithmic axis have room beside each other, in every range', () => {
  expect([...page.logTicks(0.13, 0.65, 5)]).toEqual([0.2, 0.3, 0.5]);
  expect([...page.logTicks(0.13, 0.65, 12)]).toEqual([0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6]);
  expect([...page.logTicks(1e-9, 1e-3, 9)]).toEqual([1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3]);
  expect([...page.logTicks(1e-9, 1e-3, 4)]).toEqual([1e-8, 1e-6, 1e-4]);
  fc.assert(
    fc.property(uniform(-8, 3), uniform(1, 8), (from, decades) => {
      const [low, high, most] = [10 ** from, 10 ** (from + decades), 5];
      const ticks = page.logTicks(low, high, most);
      expect(ticks.length).toBeGreaterThan(0);
      const places = ticks.map((tick) => Math.log(tick / low) / Math.log(high / low));
      const gaps = places.slice(1).map((place, index) => place - (places[index] ?? 0));
      expect(Math.min(1, ...gaps)).toBeGreaterThanOrEqual(1 / most - 1e-9);
    }),
  );
});

test('a whisker has caps at its ends, and an arrow where it goes on beyond the plot', () => {
  const lines = (low: number, high: number) => {
    const [shaft, ...heads] = page.whiskerLines(10, low, high, { inner: { top: 0, bottom: 100 }, ratio: 1 });
    const rises = heads.map(({ from, to }) => to.y - from.y);
    return { shaft: [shaft?.from.y, shaft?.to.y], rises };
  };
  expect(lines(80, 20)).toEqual({ shaft: [80, 20], rises: [0, 0, 0, 0] });
  expect(lines(80, -500)).toEqual({ shaft: [80, 1], rises: [0, 0, 6, 6] });
  expect(lines(900, 20)).toEqual({ shaft: [99, 20], rises: [-6, -6, 0, 0] });
});
