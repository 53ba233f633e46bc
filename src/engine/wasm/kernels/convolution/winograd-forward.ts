/** The forward pass of a convolution by Winograd's method, from transformed images and a packed filter. */
import {
  multiplyPlanes,
  packedNorm,
  panelOffset,
  patchBytes,
  patchColumnBytes,
  patchRowBytes,
  planeBytes,
  planes,
  tilesOf,
} from './winograd';
import { backgroundCells, kinkTolerance, markBackground, sumInDouble, sumNearKinks } from './winograd-kinks';
import { transformOutput } from './winograd-transforms';

/**
 * `out = activation(bias + convolution)`.
 * @param x the images that are transformed
 * @param filter the filter that is packed
 * @param bias `outChannels` floats, or 0 for none
 * @param products scratch of `winogradForwardScratchBytes`
 */
export function winogradForward(
  x: usize,
  transformed: usize,
  filter: usize,
  packed: usize,
  bias: usize,
  out: usize,
  products: usize,
  batch: i32,
  inChannels: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
  relu: bool,
): void {
  const tiles = tilesOf(batch, outHeight, outWidth);
  const plane = planeBytes(tiles, outChannels);
  multiplyPlanes(transformed, packed, products, tiles, inChannels, outChannels);
  const working = products + planes * plane;
  const cells = working + 6 * patchRowBytes;
  const background = working + patchBytes;
  const marks = background + ((<usize>outChannels) << 2);
  const norm = load<f32>(packedNorm(packed, inChannels, outChannels));
  const width = outWidth + 2;
  const pixels = (outHeight + 2) * width;
  const pixelBytes = (<usize>inChannels) << 2;
  const columnBytes = (<usize>outChannels) << 2;
  const rowBytes = <usize>outWidth * columnBytes;
  /** The image whose background is summed at `background`. */
  let known: usize = 0;
  let tile = 0;
  for (let image = 0; image < batch; image++) {
    const largest = markBackground(x, marks, pixels, inChannels);
    const tolerance = f32x4.splat(kinkTolerance(largest, norm, inChannels));
    for (let top = 0; top < outHeight; top += 4) {
      const rows = min(4, outHeight - top);
      for (let left = 0; left < outWidth; left += 4) {
        const columns = min(4, outWidth - left);
        const corner = <usize>(top * width + left);
        const from = x + corner * pixelBytes;
        const exact = backgroundCells(marks + corner, width, rows, columns);
        if (exact && !(known && memory.compare(known, x, pixelBytes) === 0)) {
          const cell = ctz(exact);
          const pixel = from + <usize>((cell >> 2) * width + (cell & 3)) * pixelBytes;
          sumBackground(pixel, width, inChannels, filter, bias, outChannels, background);
          known = x;
        }
        const pastZero = i32x4.splat(exact ? 1 : 0);
        const to = out + <usize>top * rowBytes + <usize>left * columnBytes;
        for (let channel: usize = 0; channel < columnBytes; channel += 16) {
          const shift = bias ? v128.load(bias + channel) : f32x4.splat(0);
          transformTile(products + panelOffset(tile, <i32>(channel >> 2), tiles), plane, rows, shift, working, cells);
          if (exact) fillCells(cells, exact, v128.load(background + channel));
          if (rows < 4 || columns < 4) excludeCells(cells, rows, columns);
          const weights = filter + channel;
          sumNearKinks(cells, pastZero, tolerance, from, width, inChannels, weights, outChannels, shift, rows, columns);
          storeTile(cells, to + channel, rowBytes, columnBytes, rows, columns, relu);
        }
        tile++;
      }
    }
    x += <usize>pixels * pixelBytes;
    out += <usize>outHeight * rowBytes;
  }
}

/** Transforms the products of a tile and four channels to `rows` rows of four vectors at `cells`, and adds the bias. */
function transformTile(product: usize, plane: usize, rows: i32, bias: v128, working: usize, cells: usize): void {
  // The second column of Aᵀ has ones alone, so what is added to element (1, 1) is added to every output.
  const once = product + 7 * plane;
  v128.store(once, f32x4.add(v128.load(once), bias));
  // Columns, then rows, in one loop: with two calls of `transformOutput` the compiler would inline neither.
  let from = product;
  let fromStride = 6 * plane;
  let fromStep = plane;
  let to = working;
  let toStride = patchRowBytes;
  let toStep = patchColumnBytes;
  for (let count = 6 + rows; count > 0; count--) {
    transformOutput(from, fromStride, to, toStride);
    from += fromStep;
    to += toStep;
    if (count === rows + 1) {
      from = working;
      fromStride = patchColumnBytes;
      fromStep = patchRowBytes;
      to = cells;
      toStride = patchColumnBytes;
      toStep = 64;
    }
  }
}

/** Replaces the cells whose bits are set. */
function fillCells(cells: usize, bits: i32, values: v128): void {
  for (; bits; bits &= bits - 1) v128.store(cells + ((<usize>ctz(bits)) << 4), values);
}

/** Puts cells that are no outputs far from everything. */
function excludeCells(cells: usize, rows: i32, columns: i32): void {
  for (let i = 0; i < 4; i++) {
    for (let j = i < rows ? columns : 0; j < 4; j++) {
      v128.store(cells + ((<usize>(i * 4 + j)) << 4), f32x4.splat(-f32.MAX_VALUE));
    }
  }
}

function storeTile(
  cells: usize,
  to: usize,
  rowBytes: usize,
  columnBytes: usize,
  rows: i32,
  columns: i32,
  relu: bool,
): void {
  for (let i = 0; i < rows; i++) {
    for (let j: usize = 0; j < <usize>columns; j++) {
      const value = v128.load(cells + (j << 4));
      v128.store(to + j * columnBytes, relu ? f32x4.max(value, f32x4.splat(0)) : value);
    }
    cells += 64;
    to += rowBytes;
  }
}

/** Writes the outputs of a neighbourhood that is background. */
function sumBackground(
  x: usize,
  width: i32,
  inChannels: i32,
  filter: usize,
  bias: usize,
  outChannels: i32,
  background: usize,
): void {
  const rowBytes = (<usize>(width * inChannels)) << 2;
  const end = (<usize>outChannels) << 2;
  for (let channel: usize = 0; channel < end; channel += 16) {
    const shift = bias ? v128.load(bias + channel) : f32x4.splat(0);
    v128.store(background + channel, sumInDouble(x, rowBytes, inChannels, filter + channel, outChannels, shift));
  }
}
