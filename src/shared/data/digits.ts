/**
 * Draws a stand-in for MNIST: digits in varied handwriting, as a pure function of the seed.
 *
 * Digests are compared across hosts, so every host must draw the same bytes. The drawing therefore only uses + − × ÷
 * and square roots, whose results IEEE 754 defines to the last bit, and no sines or exponentials, whose results it
 * does not.
 */
import { createRandom, type Random } from '../core/random.ts';
import { assembleDataset } from './assemble.ts';
import type { Dataset } from './dataset.ts';
import { digitSkeletons, type Stroke } from './digit-skeletons.ts';
import { type HashedBytes, sha256Of } from './hashed-bytes.ts';
import { serializeIdx } from './idx.ts';

export const digitsName = 'digits';

export interface DigitsOptions {
  readonly seed?: number;
  readonly trainCount?: number;
  readonly testCount?: number;
}

/** Height and width of an image, in pixels. */
const side = 28;
const pixels = side * side;

/**
 * Draws images of 28 × 28 grey levels, with the labels 0 to 9 in turn.
 * @param options by default 10,000 training and 2,000 test images from seed 1
 */
export function generateDigits({ seed = 1, trainCount = 10_000, testCount = 2000 }: DigitsOptions = {}): Dataset {
  const train = drawSplit(createRandom(seed, 0), trainCount);
  const test = drawSplit(createRandom(seed, 1), testCount);
  return assembleDataset(
    {
      'train-images-idx3-ubyte': asFile([trainCount, side, side], train.images),
      'train-labels-idx1-ubyte': asFile([trainCount], train.labels),
      't10k-images-idx3-ubyte': asFile([testCount, side, side], test.images),
      't10k-labels-idx1-ubyte': asFile([testCount], test.labels),
    },
    { name: digitsName, source: `drawn by pennygrad from seed ${seed}`, classes: 10 },
  );
}

function asFile(shape: readonly number[], data: Uint8Array): HashedBytes {
  const bytes = serializeIdx({ shape, data });
  return { where: 'drawn digits', bytes, sha256: sha256Of(bytes) };
}

function drawSplit(random: Random, count: number): { readonly images: Uint8Array; readonly labels: Uint8Array } {
  const images = new Uint8Array(count * pixels);
  const labels = new Uint8Array(count);
  const coverage = new Float32Array(pixels);
  for (let i = 0; i < count; i++) {
    const digit = i % digitSkeletons.length;
    labels[i] = digit;
    drawDigit(random, digit, coverage);
    inkOver(random, coverage, images.subarray(i * pixels, (i + 1) * pixels));
  }
  return { images, labels };
}

/** Writes to `coverage` how much of each pixel the pen covers, 0 to 1. */
function drawDigit(random: Random, digit: number, coverage: Float32Array): void {
  const ways = digitSkeletons[digit] ?? [];
  const strokes = ways[random.integer(ways.length)] ?? [];
  const place = placement(random);
  const penRadius = between(random, 0.7, 1.7);
  coverage.fill(0);
  for (const stroke of strokes) {
    const corners = stroke.corners.map((value) => value + between(random, -0.06, 0.06));
    const path = roundedPath(corners, stroke.kind).map(place);
    for (let i = 0; i + 1 < path.length; i++) {
      const [from, to] = [path[i], path[i + 1]];
      if (from !== undefined && to !== undefined) drawSegment(coverage, from, to, penRadius);
    }
  }
}

type Point = readonly [x: number, y: number];

/** A random map from the unit square to pixels: size, proportions, slant, tilt and position of the handwriting. */
function placement(random: Random): (point: Point) => Point {
  const height = between(random, 15, 21);
  const width = height * between(random, 0.55, 0.9);
  const slant = between(random, -0.15, 0.4);
  // The tangent of half the angle gives its sine and cosine without calling either.
  const half = between(random, -0.1, 0.1);
  const sine = (2 * half) / (1 + half * half);
  const cosine = (1 - half * half) / (1 + half * half);
  const centreX = side / 2 + between(random, -2.5, 2.5);
  const centreY = side / 2 + between(random, -2.5, 2.5);
  return ([unitX, unitY]) => {
    const y = (unitY - 0.5) * height;
    const x = (unitX - 0.5) * width - slant * y;
    return [centreX + cosine * x - sine * y, centreY + sine * x + cosine * y];
  };
}

/** The points of a stroke. Unless it is a line, its corners are cut twice (Chaikin, 1974). */
function roundedPath(corners: readonly number[], kind: Stroke['kind']): readonly Point[] {
  const points: Point[] = [];
  for (let i = 0; i + 1 < corners.length; i += 2) points.push([corners[i] ?? 0, corners[i + 1] ?? 0]);
  if (kind === 'line') return points;
  if (kind === 'curve') return cutCurve(cutCurve(points));
  const ring = cutRing(cutRing(points));
  return [...ring, ...ring.slice(0, 1)];
}

/** Replaces each corner by two points, a quarter of the way along its edges. Keeps the ends of the curve. */
function cutCurve(points: readonly Point[]): readonly Point[] {
  const quarters = points.slice(1).flatMap((to, i) => quartersOf(points[i] ?? to, to));
  return [...points.slice(0, 1), ...quarters, ...points.slice(-1)];
}

/** The same for a ring, whose last point is connected to its first. */
function cutRing(points: readonly Point[]): readonly Point[] {
  return points.flatMap((to, i) => quartersOf(points.at(i - 1) ?? to, to));
}

function quartersOf(from: Point, to: Point): readonly Point[] {
  return [mix(from, to, 0.25), mix(from, to, 0.75)];
}

function mix(from: Point, to: Point, share: number): Point {
  return [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])];
}

/** Covers the pixels near a segment, with a soft edge of one pixel. */
function drawSegment(coverage: Float32Array, [x0, y0]: Point, [x1, y1]: Point, radius: number): void {
  const reach = radius + 0.5;
  const [dx, dy] = [x1 - x0, y1 - y0];
  const squaredLength = dx * dx + dy * dy;
  const [left, right] = pixelRange(x0, x1, reach);
  const [top, bottom] = pixelRange(y0, y1, reach);
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const [px, py] = [column + 0.5 - x0, row + 0.5 - y0];
      const along = squaredLength === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / squaredLength));
      const [ox, oy] = [px - along * dx, py - along * dy];
      const covered = reach - Math.sqrt(ox * ox + oy * oy);
      const at = row * side + column;
      if (covered > (coverage[at] ?? 1)) coverage[at] = Math.min(1, covered);
    }
  }
}

/** The first and last pixel inside the image whose centre may be within reach. */
function pixelRange(a: number, b: number, reach: number): readonly [first: number, last: number] {
  return [Math.max(0, Math.floor(Math.min(a, b) - reach)), Math.min(side - 1, Math.floor(Math.max(a, b) + reach))];
}

/** Turns coverage into grey levels, with random darkness and random noise. */
function inkOver(random: Random, coverage: Float32Array, image: Uint8Array): void {
  const darkness = between(random, 150, 255);
  const grain = between(random, 0, 0.3);
  for (let at = 0; at < pixels; at += 4) {
    const noise = random.uint32();
    for (let k = 0; k < 4; k++) {
      const centred = ((noise >>> (8 * k)) & 0xff) - 128;
      const level = darkness * (coverage[at + k] ?? 0) + grain * centred;
      image[at + k] = Math.min(255, Math.max(0, Math.floor(level)));
    }
  }
}

function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.float();
}
