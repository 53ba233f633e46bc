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
  flatWhiskerLines(
    y: number,
    low: number,
    high: number,
    space: { inner: { left: number; right: number }; ratio: number },
  ): Line[];
  axisRange(
    axis: { zero: boolean; log?: true; ticks?: true; format: string },
    values: number[],
    intervals: (readonly [number, number])[],
  ): { range: [number, number]; log: boolean };
}
const page = createContext({}) as Scripts;
for (const name of ['log-ticks.js', 'whisker-lines.js', 'axis-range.js']) {
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

test('a whisker of an interval of x lies, with caps that stand and arrows that point outwards', () => {
  const lines = (low: number, high: number) => {
    const space = { inner: { left: 50, right: 200 }, ratio: 1 };
    const [shaft, ...heads] = page.flatWhiskerLines(10, low, high, space);
    expect([shaft?.from.y, shaft?.to.y]).toEqual([10, 10]);
    expect(heads.map(({ to }) => to.y)).toEqual([6, 14, 6, 14]);
    return { shaft: [shaft?.from.x, shaft?.to.x], runs: heads.map(({ from, to }) => to.x - from.x) };
  };
  expect(lines(80, 120)).toEqual({ shaft: [120, 80], runs: [0, 0, 0, 0] });
  expect(lines(80, 900)).toEqual({ shaft: [199, 80], runs: [-6, -6, 0, 0] });
  expect(lines(-5, 120)).toEqual({ shaft: [120, 51], runs: [0, 0, 6, 6] });
});

test('an axis has room for its intervals, unless they would flatten everything else', () => {
  const linear = { zero: false, format: 'seconds' };
  // Twelve hundredths of the range on either side.
  expect(page.axisRange(linear, [10, 20], [])).toEqual({ range: [10 - 1.2, 20 + 1.2], log: false });
  expect(page.axisRange(linear, [10, 20], [[8, 28]])).toEqual({ range: [8 - 2.4, 28 + 2.4], log: false });
  expect(page.axisRange(linear, [10, 20], [[-900, 900]])).toEqual({ range: [0, 30 + 3.6], log: false });
  const log = { ...linear, log: true as const };
  const { range, log: isLog } = page.axisRange(log, [1, 10], [[1e-9, 1e9]]);
  expect(isLog).toBe(true);
  // From a tenth of the least value to ten times the greatest: three decades, and room beside them.
  expect(range.map(Math.log10)).toEqual([expect.closeTo(-1 - 0.36, 9), expect.closeTo(2 + 0.36, 9)]);
  // One value whose interval is wide makes an axis logarithmic.
  expect(page.axisRange(log, [10], [[1, 100]])).toMatchObject({ log: false });
  expect(page.axisRange(log, [10, 20], [[2, 100]])).toMatchObject({ log: true });
});
