/**
 * Convolutions with 3×3 filters at stride 1 by Winograd's F(4×4, 3×3): a tile of 4×4 outputs takes 36 multiplications
 * instead of 144. Forward, `out = Aᵀ [(G filter Gᵀ) ⊙ (Bᵀ x B)] A`. Both gradients are the transposes of the same maps
 * and save as much. Channels must be multiples of eight.
 *
 * A transformed tensor has 36 *planes*, one for each element of a 6×6 tile. A plane of images is blocked by channels,
 * [channels / 8][tiles][8]. All products can use this layout: they need rows of tiles forward, and columns of channels
 * for the filter's gradient. A plane of a filter consists of panels, [columns / 8][rows][8].
 */

import { whereActive } from '../simd';
import { roundUp } from './pack';
import { accumulateBlockedColumns, multiplyBlockedRows } from './tiles';
import { backgroundBytes, largestNorm } from './winograd-kinks';
import {
  addInputGradient,
  transformFilter,
  transformFilterGradient,
  transformInput,
  transformOutputGradient,
} from './winograd-transforms';

export const planes: usize = 36;
/** Scratch of two 6×6 patches of four channels: a half-transformed one, and one to transform from. */
export const patchBytes: usize = 2 * 36 * 16;
export const patchColumnBytes: usize = 16;
export const patchRowBytes: usize = 6 * 16;

export function tilesOf(batch: i32, outHeight: i32, outWidth: i32): i32 {
  return roundUp(batch * ((outHeight + 3) >> 2) * ((outWidth + 3) >> 2), 4);
}

/** One cache line more than the plane needs. Otherwise planes of 2ⁿ bytes would compete for the same cache lines. */
export function planeBytes(rows: i32, channels: i32): usize {
  return ((<usize>(rows * channels)) << 2) + 64;
}

export function winogradImageBytes(batch: i32, outHeight: i32, outWidth: i32, channels: i32): i32 {
  return <i32>(planes * planeBytes(tilesOf(batch, outHeight, outWidth), channels) + patchBytes);
}

/** Size of `products` for `winogradForward`. */
export function winogradForwardScratchBytes(batch: i32, outHeight: i32, outWidth: i32, outChannels: i32): i32 {
  const background = (outChannels << 2) + backgroundBytes(outHeight, outWidth);
  return winogradImageBytes(batch, outHeight, outWidth, outChannels) + background;
}

export function winogradFilterBytes(inChannels: i32, outChannels: i32): i32 {
  return <i32>(planes * planeBytes(inChannels, outChannels) + patchBytes) + 4;
}

/** Where a packed filter keeps the largest norm of its output channels. */
export function packedNorm(packed: usize, inChannels: i32, outChannels: i32): usize {
  return packed + planes * planeBytes(inChannels, outChannels) + patchBytes;
}

/** Transforms a filter, [3, 3, inChannels, outChannels], to planes of [inChannels, outChannels]. */
export function winogradPackFilter(filter: usize, packed: usize, inChannels: i32, outChannels: i32): void {
  const plane = planeBytes(inChannels, outChannels);
  const patch = packed + planes * plane;
  const tapBytes = (<usize>(inChannels * outChannels)) << 2;
  for (let row = 0; row < inChannels; row++) {
    for (let column = 0; column < outChannels; column += 4) {
      const from = filter + ((<usize>(row * outChannels + column)) << 2);
      const to = packed + panelOffset(row, column, inChannels);
      for (let j: usize = 0; j < 3; j++) {
        transformFilter(from + j * tapBytes, 3 * tapBytes, patch + j * patchColumnBytes, patchRowBytes);
      }
      for (let i: usize = 0; i < 6; i++) {
        transformFilter(patch + i * patchRowBytes, patchColumnBytes, to + i * 6 * plane, plane);
      }
    }
  }
  store<f32>(packedNorm(packed, inChannels, outChannels), largestNorm(filter, 9 * inChannels, outChannels));
}

/** Transposes each plane of a packed filter, to planes of [outChannels, inChannels]. */
export function winogradTransposeFilter(packed: usize, transposed: usize, inChannels: i32, outChannels: i32): void {
  const plane = planeBytes(inChannels, outChannels);
  for (let element: usize = 0; element < planes; element++) {
    const from = packed + element * plane;
    const to = transposed + element * plane;
    for (let row = 0; row < inChannels; row += 4) {
      for (let column = 0; column < outChannels; column += 4) {
        const block = from + panelOffset(row, column, inChannels);
        const r0 = v128.load(block);
        const r1 = v128.load(block, 32);
        const r2 = v128.load(block, 64);
        const r3 = v128.load(block, 96);
        const low01 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
        const high01 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
        const low23 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
        const high23 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
        const out = to + panelOffset(column, row, outChannels);
        v128.store(out, v128.shuffle<i64>(low01, low23, 0, 2));
        v128.store(out, v128.shuffle<i64>(low01, low23, 1, 3), 32);
        v128.store(out, v128.shuffle<i64>(high01, high23, 0, 2), 64);
        v128.store(out, v128.shuffle<i64>(high01, high23, 1, 3), 96);
      }
    }
  }
}

/** Transforms the images of a convolution to planes of [tiles, channels]. Rows after the last tile are zeros. */
export function winogradTransformImages(
  x: usize,
  transformed: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
): void {
  const tiles = tilesOf(batch, outHeight, outWidth);
  const plane = planeBytes(tiles, channels);
  const working = transformed + planes * plane;
  const clipped = working + 6 * patchRowBytes;
  const columnBytes = (<usize>channels) << 2;
  const rowBytes = <usize>width * columnBytes;
  for (let channel = 0; channel < channels; channel += 4) {
    let to = transformed + panelOffset(0, channel, tiles);
    for (let image = 0; image < batch; image++) {
      const corner = x + ((<usize>(image * height * width * channels + channel)) << 2);
      for (let top = 0; top < outHeight; top += 4) {
        for (let left = 0; left < outWidth; left += 4) {
          let from = corner + <usize>top * rowBytes + <usize>left * columnBytes;
          let fromRow = rowBytes;
          let fromColumn = columnBytes;
          if (top + 6 > height || left + 6 > width) {
            copyClipped(from, rowBytes, columnBytes, clipped, min(6, height - top), min(6, width - left), 6);
            from = clipped;
            fromRow = patchRowBytes;
            fromColumn = patchColumnBytes;
          }
          for (let j: usize = 0; j < 6; j++) {
            transformInput(from + j * fromColumn, fromRow, working + j * patchColumnBytes, patchRowBytes);
          }
          for (let i: usize = 0; i < 6; i++) {
            transformInput(working + i * patchRowBytes, patchColumnBytes, to + i * 6 * plane, plane);
          }
          to += 32;
        }
      }
    }
  }
  zeroRowsBehind(transformed, batch, outHeight, outWidth, channels, tiles, plane);
}

/**
 * Transforms the gradient of the convolution's output, for both gradients below, and adds its sums to the bias's
 * gradient.
 * @param activation the layer's output if it has a rectifier, or 0: gradients only count where it is positive
 * @param dBias `outChannels` floats
 */
export function winogradTransformGradient(
  dy: usize,
  activation: usize,
  transformed: usize,
  dBias: usize,
  batch: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
): void {
  const tiles = tilesOf(batch, outHeight, outWidth);
  const plane = planeBytes(tiles, outChannels);
  const working = transformed + planes * plane;
  const clipped = working + 6 * patchRowBytes;
  const columnBytes = (<usize>outChannels) << 2;
  const rowBytes = <usize>outWidth * columnBytes;
  const toActivation = activation - dy;
  // Channels are innermost because a tile with all its channels fits the first-level cache; a whole image might not.
  let tile = 0;
  for (let image = 0; image < batch; image++) {
    const corner = dy + ((<usize>(image * outHeight * outWidth * outChannels)) << 2);
    for (let top = 0; top < outHeight; top += 4) {
      const rows = min(4, outHeight - top);
      for (let left = 0; left < outWidth; left += 4) {
        const columns = min(4, outWidth - left);
        if (rows < 4 || columns < 4) memory.fill(clipped, 0, 4 * patchRowBytes);
        let from = corner + <usize>top * rowBytes + <usize>left * columnBytes;
        for (let channel = 0; channel < outChannels; channel += 4) {
          const biasAddress = dBias + ((<usize>channel) << 2);
          let sum = v128.load(biasAddress);
          let row = from;
          let patch = clipped;
          for (let i = rows; i > 0; i--) {
            let address = row;
            let cell = patch;
            for (let j = columns; j > 0; j--) {
              let value = v128.load(address);
              if (activation) value = whereActive(value, v128.load(address + toActivation));
              sum = f32x4.add(sum, value);
              v128.store(cell, value);
              address += columnBytes;
              cell += patchColumnBytes;
            }
            row += rowBytes;
            patch += patchRowBytes;
          }
          v128.store(biasAddress, sum);
          const to = transformed + panelOffset(tile, channel, tiles);
          for (let j: usize = 0; j < 4; j++) {
            transformOutputGradient(clipped + (j << 4), patchRowBytes, working + (j << 4), patchRowBytes);
          }
          for (let i: usize = 0; i < 6; i++) {
            transformOutputGradient(working + i * patchRowBytes, patchColumnBytes, to + i * 6 * plane, plane);
          }
          from += 16;
        }
        tile++;
      }
    }
  }
  zeroRowsBehind(transformed, batch, outHeight, outWidth, outChannels, tiles, plane);
}

/** Adds to the gradient of the packed filter, from transformed images and the transformed gradient. */
export function winogradAddFilterGradient(
  images: usize,
  gradient: usize,
  dPacked: usize,
  batch: i32,
  inChannels: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
): void {
  const tiles = tilesOf(batch, outHeight, outWidth);
  const imagePlane = planeBytes(tiles, inChannels);
  const gradientPlane = planeBytes(tiles, outChannels);
  const filterPlane = planeBytes(inChannels, outChannels);
  for (let element: usize = 0; element < planes; element++) {
    for (let column = 0; column < outChannels; column += 8) {
      const panel = gradient + element * gradientPlane + panelOffset(0, column, tiles);
      for (let row = 0; row < inChannels; row += 4) {
        accumulateBlockedColumns(
          images + element * imagePlane + panelOffset(0, row, tiles),
          panel,
          tiles,
          dPacked + element * filterPlane + panelOffset(row, column, inChannels),
        );
      }
    }
  }
}

/** Writes the filter's gradient, [3, 3, inChannels, outChannels], from the gradient of the packed filter. */
export function winogradUnpackFilterGradient(dPacked: usize, dFilter: usize, inChannels: i32, outChannels: i32): void {
  const plane = planeBytes(inChannels, outChannels);
  const patch = dPacked + planes * plane;
  const tapBytes = (<usize>(inChannels * outChannels)) << 2;
  for (let row = 0; row < inChannels; row++) {
    for (let column = 0; column < outChannels; column += 4) {
      const from = dPacked + panelOffset(row, column, inChannels);
      const to = dFilter + ((<usize>(row * outChannels + column)) << 2);
      for (let j: usize = 0; j < 6; j++) {
        transformFilterGradient(from + j * plane, 6 * plane, patch + j * patchColumnBytes, patchRowBytes);
      }
      for (let i: usize = 0; i < 3; i++) {
        transformFilterGradient(patch + i * patchRowBytes, patchColumnBytes, to + i * 3 * tapBytes, tapBytes);
      }
    }
  }
}

/**
 * Writes all of `dx`, from the transformed gradient and the transposed packed filter.
 * @param products scratch of `winogradImageBytes(…, inChannels)`
 */
export function winogradBackpropInput(
  gradient: usize,
  transposed: usize,
  dx: usize,
  products: usize,
  batch: i32,
  height: i32,
  width: i32,
  inChannels: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
): void {
  const tiles = tilesOf(batch, outHeight, outWidth);
  const plane = planeBytes(tiles, inChannels);
  multiplyPlanes(gradient, transposed, products, tiles, outChannels, inChannels);
  memory.fill(dx, 0, (<usize>(batch * height * width * inChannels)) << 2);
  const working = products + planes * plane;
  const columnBytes = (<usize>inChannels) << 2;
  const rowBytes = <usize>width * columnBytes;
  for (let channel = 0; channel < inChannels; channel += 4) {
    let from = products + panelOffset(0, channel, tiles);
    for (let image = 0; image < batch; image++) {
      const corner = dx + ((<usize>(image * height * width * inChannels + channel)) << 2);
      for (let top = 0; top < outHeight; top += 4) {
        const rows = <usize>min(6, height - top);
        for (let left = 0; left < outWidth; left += 4) {
          const columns = min(6, width - left);
          memory.fill(working, 0, 6 * patchRowBytes);
          for (let j: usize = 0; j < 6; j++) {
            addInputGradient(from + j * plane, 6 * plane, working + j * patchColumnBytes, patchRowBytes, 6);
          }
          let to = corner + <usize>top * rowBytes + <usize>left * columnBytes;
          for (let i: usize = 0; i < rows; i++) {
            addInputGradient(working + i * patchRowBytes, patchColumnBytes, to, columnBytes, columns);
            to += rowBytes;
          }
          from += 32;
        }
      }
    }
  }
}

/** Byte offset of an element in a plane that is blocked by eight columns. */
export function panelOffset(row: i32, column: i32, rows: i32): usize {
  return (<usize>(((column >> 3) * rows + row) * 8 + (column & 7))) << 2;
}

/** Multiplies the 36 planes [rows, depth] with the 36 planes [depth, columns]. */
export function multiplyPlanes(a: usize, b: usize, out: usize, rows: i32, depth: i32, columns: i32): void {
  const aPlane = planeBytes(rows, depth);
  const bPlane = planeBytes(depth, columns);
  const outPlane = planeBytes(rows, columns);
  for (let element: usize = 0; element < planes; element++) {
    for (let column = 0; column < columns; column += 8) {
      const panel = b + element * bPlane + panelOffset(0, column, depth);
      let row = a + element * aPlane;
      let tile = out + element * outPlane + panelOffset(0, column, rows);
      for (let i = 0; i < rows; i += 4) {
        multiplyBlockedRows(row, (<usize>rows) << 5, panel, depth >> 3, tile);
        row += 128;
        tile += 128;
      }
    }
  }
}

/** Copies `rows × columns` vectors into a patch of `size × size`, and fills the rest with zeros. */
function copyClipped(
  from: usize,
  rowBytes: usize,
  columnBytes: usize,
  patch: usize,
  rows: i32,
  columns: i32,
  size: i32,
): void {
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      const inside = i < rows && j < columns;
      const value = inside ? v128.load(from + <usize>i * rowBytes + <usize>j * columnBytes) : f32x4.splat(0);
      v128.store(patch + <usize>i * patchRowBytes + ((<usize>j) << 4), value);
    }
  }
}

function zeroRowsBehind(
  transformed: usize,
  batch: i32,
  outHeight: i32,
  outWidth: i32,
  channels: i32,
  tiles: i32,
  plane: usize,
): void {
  const used = batch * ((outHeight + 3) >> 2) * ((outWidth + 3) >> 2);
  if (used === tiles) return;
  for (let element: usize = 0; element < planes; element++) {
    for (let channel = 0; channel < channels; channel += 8) {
      memory.fill(transformed + element * plane + panelOffset(used, channel, tiles), 0, (<usize>(tiles - used)) << 5);
    }
  }
}
