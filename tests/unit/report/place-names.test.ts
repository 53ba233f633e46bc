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
interface Space {
  readonly ratio: number;
  readonly occupied: Box[];
  readonly crossable: Box[];
  readonly inner: Box;
}
interface Script {
  labelPoints(
    points: Point[],
    space: Space,
    widthOf: (text: string) => number,
  ): {
    readonly places: (Place & { readonly text: string })[];
    readonly numbered: { readonly number: number; readonly name: string; readonly isPlaced: boolean }[];
  };
  boxAround(x: number, y: number, half: number): Box;
}

const context = createContext({});
runInContext(readFileSync(new URL('../../../assets/report/place-names.js', import.meta.url), 'utf8'), context);
const { labelPoints, boxAround } = context as unknown as Script;

const overlap = (a: Box, b: Box) => a.right >= b.left && a.left <= b.right && a.bottom >= b.top && a.top <= b.bottom;
const wide = { left: 80, top: 10, right: 780, bottom: 370 };
const narrow = { left: 90, top: 10, right: 330, bottom: 320 };
/** @param points each with the width of its name; a digit is 7 pixels wide */
function place(points: Point[], { ratio = 1, inner = wide, whiskers = [] as Box[] } = {}) {
  const scale = ({ left, top, right, bottom }: Box): Box => ({
    left: left * ratio,
    top: top * ratio,
    right: right * ratio,
    bottom: bottom * ratio,
  });
  const scaled = points.map(({ x, y, width }, index) => ({ name: `n${index}`, x: x * ratio, y: y * ratio, width }));
  const occupied = scaled.map(({ x, y }) => boxAround(x, y, 5 * ratio));
  const space = { ratio, occupied, crossable: whiskers.map(scale), inner: scale(inner) };
  const widthOf = (text: string) =>
    ratio * (text.startsWith('n') ? (points[Number(text.slice(1))]?.width ?? 0) : 7 * text.length);
  return { space, ...labelPoints(scaled, space, widthOf) };
}

const anyPoint = (inner: Box) =>
  fc.record({
    name: fc.constant(''),
    x: uniform(inner.left + 5, inner.right - 5),
    y: uniform(inner.top + 5, inner.bottom - 5),
    width: fc.integer({ min: 20, max: 300 }),
  });

test.each([
  ['a wide', wide, 12],
  ['a narrow', narrow, 20],
])(
  'in %s plot no name or number lies over another, over a point, or beyond the plot, and none is lost',
  (_, inner, most) => {
    fc.assert(
      fc.property(fc.array(anyPoint(inner), { maxLength: most }), fc.constantFrom(1, 2), (points, ratio) => {
        // Each point has a whisker as wide as a third of the plot.
        const half = (inner.right - inner.left) / 6;
        const whiskers = points.map(({ x, y }) => ({ left: x - half, right: x + half, top: y - 4, bottom: y + 4 }));
        const { places, numbered, space } = place(points, { ratio, inner, whiskers });
        for (const [at, { box }] of places.entries()) {
          expect(box.left >= space.inner.left && box.right <= space.inner.right).toBe(true);
          expect(box.top >= space.inner.top && box.bottom <= space.inner.bottom).toBe(true);
          expect(space.occupied.some((other) => overlap(box, other))).toBe(false);
          expect(places.some((other, index) => index !== at && overlap(box, other.box))).toBe(false);
        }
        const named = places.flatMap(({ text }) => (text.startsWith('n') ? [text] : []));
        expect([...named, ...numbered.map(({ name }) => name)].sort()).toEqual(
          points.map((_, index) => `n${index}`).sort(),
        );
        const numbers = places.flatMap(({ text }) => (text.startsWith('n') ? [] : [Number(text)]));
        const shown = numbered.flatMap(({ number, isPlaced }) => (isPlaced ? [number] : []));
        expect(numbers.sort((a, b) => a - b)).toEqual(shown);
      }),
      { numRuns: 50 },
    );
  },
);

test('where no name fits, every point has its number, from left to right', () => {
  const points = [300, 100, 200].map((x) => ({ name: '', x, y: 100 + x / 10, width: 290 }));
  const { places, numbered } = place(points, { inner: narrow });
  expect([...numbered]).toEqual([
    { number: 1, name: 'n1', isPlaced: true },
    { number: 2, name: 'n2', isPlaced: true },
    { number: 3, name: 'n0', isPlaced: true },
  ]);
  expect(places.map(({ text, point }) => [text, point.x]).sort()).toEqual([
    ['1', 100],
    ['2', 200],
    ['3', 300],
  ]);
});

test('a name lies across a whisker only where there is no other room', () => {
  const point = { name: '', x: 400, y: 200, width: 100 };
  const whisker = { left: 300, right: 500, top: 198, bottom: 202 };
  const beside = place([point], { whiskers: [whisker] }).places[0];
  expect(beside && overlap(beside.box, whisker)).toBe(false);
  const everywhere = place([point], { whiskers: [wide] });
  expect(everywhere.places.map(({ text }) => text)).toEqual(['n0']);
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
