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
import type { PerIdxFile } from './idx-files.ts';

export const digitsName = 'digits';

export interface DigitsOptions {
  readonly seed?: number;
  readonly trainCount?: number;
  readonly testCount?: number;
}

const standardSeed = 1;

/** Height and width of an image, in pixels. */
const side = 28;
const pixels = side * side;

/**
 * Draws images of 28 × 28 grey levels, with the labels 0 to 9 in turn.
 * @param options by default 10,000 training and 2,000 test images from seed 1
 */
export function generateDigits(options: DigitsOptions = {}): Dataset {
  return assembleDigits(drawDigits(options), options.seed);
}

/** The files of that dataset. */
export function drawDigits({ seed = standardSeed, trainCount = 10_000, testCount = 2000 }: DigitsOptions = {}) {
  const train = drawSplit(createRandom(seed, 0), trainCount);
  const test = drawSplit(createRandom(seed, 1), testCount);
  return {
    'train-images-idx3-ubyte': asFile([trainCount, side, side], train.images),
    'train-labels-idx1-ubyte': asFile([trainCount], train.labels),
    't10k-images-idx3-ubyte': asFile([testCount, side, side], test.images),
    't10k-labels-idx1-ubyte': asFile([testCount], test.labels),
  };
}

/** @param files as drawn from the seed */
export function assembleDigits(files: PerIdxFile<HashedBytes>, seed = standardSeed): Dataset {
  return assembleDataset(files, { name: digitsName, source: `drawn by pennygrad from seed ${seed}`, classes: 10 });
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
    const path = roundedPath(corners, stroke.kind);
    for (let i = 0; i < path.length; i += 2) place(path, i);
    for (let i = 0; i + 3 < path.length; i += 2) drawSegment(coverage, path, i, penRadius);
  }
}

/** Points: x, y, x, y, … Flat, as there are a million of them in the set. */
type Path = number[];

/** A random map from the unit square to pixels: size, proportions, slant, tilt and position of the handwriting. */
function placement(random: Random): (path: Path, at: number) => void {
  const height = between(random, 15, 21);
  const width = height * between(random, 0.55, 0.9);
  const slant = between(random, -0.15, 0.4);
  // The tangent of half the angle gives its sine and cosine without calling either.
  const half = between(random, -0.1, 0.1);
  const sine = (2 * half) / (1 + half * half);
  const cosine = (1 - half * half) / (1 + half * half);
  const centreX = side / 2 + between(random, -2.5, 2.5);
  const centreY = side / 2 + between(random, -2.5, 2.5);
  return (path, at) => {
    const y = ((path[at + 1] as number) - 0.5) * height;
    const x = ((path[at] as number) - 0.5) * width - slant * y;
    path[at] = centreX + cosine * x - sine * y;
    path[at + 1] = centreY + sine * x + cosine * y;
  };
}

/** The points of a stroke. Unless it is a line, its corners are cut twice (Chaikin, 1974). */
function roundedPath(corners: Path, kind: Stroke['kind']): Path {
  if (kind === 'line') return corners;
  if (kind === 'curve') return cutCurve(cutCurve(corners));
  const ring = cutRing(cutRing(corners));
  ring.push(ring[0] as number, ring[1] as number);
  return ring;
}

/** Replaces each corner by two points, a quarter of the way along its edges. Keeps the ends of the curve. */
function cutCurve(path: Path): Path {
  const cut: Path = [path[0] as number, path[1] as number];
  for (let to = 2; to < path.length; to += 2) pushQuarters(cut, path, to - 2, to);
  cut.push(path[path.length - 2] as number, path[path.length - 1] as number);
  return cut;
}

/** The same for a ring, whose last point is connected to its first. */
function cutRing(path: Path): Path {
  const cut: Path = [];
  for (let to = 0; to < path.length; to += 2) pushQuarters(cut, path, to === 0 ? path.length - 2 : to - 2, to);
  return cut;
}

function pushQuarters(cut: Path, path: Path, from: number, to: number): void {
  const [x, y] = [path[from] as number, path[from + 1] as number];
  const [dx, dy] = [(path[to] as number) - x, (path[to + 1] as number) - y];
  cut.push(x + 0.25 * dx, y + 0.25 * dy, x + 0.75 * dx, y + 0.75 * dy);
}

/** Covers the pixels near the segment from the point at `at` to the next one, with a soft edge of one pixel. */
function drawSegment(coverage: Float32Array, path: Path, at: number, radius: number): void {
  const x0 = path[at] as number;
  const y0 = path[at + 1] as number;
  const x1 = path[at + 2] as number;
  const y1 = path[at + 3] as number;
  const reach = radius + 0.5;
  const squaredReach = reach * reach;
  const dx = x1 - x0;
  const dy = y1 - y0;
  const squaredLength = dx * dx + dy * dy;
  const left = firstPixel(x0, x1, reach);
  const right = lastPixel(x0, x1, reach);
  const bottom = lastPixel(y0, y1, reach);
  for (let row = firstPixel(y0, y1, reach); row <= bottom; row++) {
    const py = row + 0.5 - y0;
    for (let column = left; column <= right; column++) {
      const pixel = row * side + column;
      const before = coverage[pixel] as number;
      if (before === 1) continue;
      const px = column + 0.5 - x0;
      const along = squaredLength === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / squaredLength));
      const ox = px - along * dx;
      const oy = py - along * dy;
      const squaredDistance = ox * ox + oy * oy;
      // The root of a square is exact, so that this leaves out what the next lines would leave as it is, and nothing else.
      if (squaredDistance >= squaredReach) continue;
      const covered = reach - Math.sqrt(squaredDistance);
      if (covered > before) coverage[pixel] = Math.min(1, covered);
    }
  }
}

/** The first pixel inside the image whose centre may be within reach. */
function firstPixel(a: number, b: number, reach: number): number {
  return Math.max(0, Math.floor(Math.min(a, b) - reach));
}

/** The last one. */
function lastPixel(a: number, b: number, reach: number): number {
  return Math.min(side - 1, Math.floor(Math.max(a, b) + reach));
}

/** Turns coverage into grey levels, with random darkness and random noise. */
function inkOver(random: Random, coverage: Float32Array, image: Uint8Array): void {
  const darkness = between(random, 150, 255);
  const grain = between(random, 0, 0.3);
  for (let at = 0; at < pixels; at += 4) {
    const noise = random.uint32();
    for (let k = 0; k < 4; k++) {
      const centred = ((noise >>> (8 * k)) & 0xff) - 128;
      const level = Math.trunc(darkness * (coverage[at + k] as number) + grain * centred);
      // From 0 to 255, without branches: noise decides them, so that the CPU cannot guess.
      const positive = level & ~(level >> 31);
      image[at + k] = positive | ((255 - positive) >> 31);
    }
  }
}

function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.float();
}
