/** The script of a report's page that places names beside points, run as the page runs it. */
import { readFileSync } from 'node:fs';
import { createContext, runInContext } from 'node:vm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { uniform } from '../../support/realistic-numbers.ts';

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}
interface Point {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
}
interface Place {
  readonly point: Point;
  readonly box: Box;
  readonly leader?: { readonly x: number; readonly y: number };
}
interface Script {
  placeNames(points: Point[], space: { ratio: number; occupied: Box[]; inner: Box }): Place[];
  boxAround(x: number, y: number, half: number): Box;
}

const context = createContext({});
runInContext(readFileSync(new URL('../../../assets/report/place-names.js', import.meta.url), 'utf8'), context);
const { placeNames, boxAround } = context as unknown as Script;

const overlap = (a: Box, b: Box) => a.right >= b.left && a.left <= b.right && a.bottom >= b.top && a.top <= b.bottom;
const inner = { left: 80, top: 10, right: 780, bottom: 370 };
const place = (points: Point[], ratio = 1) => {
  const scaled = points.map(({ name, x, y, width }) => ({ name, x: x * ratio, y: y * ratio, width: width * ratio }));
  const occupied = scaled.map(({ x, y }) => boxAround(x, y, 5 * ratio));
  const space = Object.fromEntries(Object.entries(inner).map(([side, at]) => [side, at * ratio])) as unknown as Box;
  return { occupied, space, places: placeNames(scaled, { ratio, occupied, inner: space }) };
};

test('no name lies over another, over a point, or beyond the chart', () => {
  const point = fc.record({
    name: fc.string(),
    x: uniform(85, 775),
    y: uniform(15, 365),
    width: fc.integer({ min: 20, max: 300 }),
  });
  fc.assert(
    fc.property(fc.array(point, { maxLength: 10 }), fc.constantFrom(1, 2), (points, ratio) => {
      const { places, occupied, space } = place(points, ratio);
      expect(places.length).toBeLessThanOrEqual(points.length);
      for (const [at, { box }] of places.entries()) {
        expect(box.left >= space.left && box.right <= space.right).toBe(true);
        expect(box.top >= space.top && box.bottom <= space.bottom).toBe(true);
        expect(occupied.some((other) => overlap(box, other))).toBe(false);
        expect(places.some((other, index) => index !== at && overlap(box, other.box))).toBe(false);
      }
    }),
    { numRuns: 50 },
  );
});

test('nine long names of points that lie close together all find a place', () => {
  const points = Array.from({ length: 9 }, (_, index) => ({
    name: `fleet ${index}`,
    width: 290,
    x: 180 + 12 * (index % 3),
    y: 120 + 22 * index,
  }));
  expect(place(points).places).toHaveLength(9);
});

test('a name with room is beside its point; one without has a line to it', () => {
  const alone = place([{ name: 'a', x: 400, y: 200, width: 100 }]).places[0];
  expect(alone?.box.left).toBeCloseTo(409);
  expect(alone?.leader).toBeUndefined();
  const crowd = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((index) => ({ name: `${index}`, x: 400, y: 200 + index, width: 250 }));
  const { places } = place(crowd);
  expect(places).toHaveLength(9);
  expect(places.some(({ leader }) => leader !== undefined)).toBe(true);
});
