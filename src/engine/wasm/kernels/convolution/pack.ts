/**
 * Packs operands so that the tiles (tiles.ts) read consecutive memory.
 * A *row quad* is four interleaved rows, [depth][4]. A *panel* is eight columns side by side, [depth][8].
 */
import { whereActive } from '../simd';

export function roundUp(value: i32, multiple: i32): i32 {
  return ((value + multiple - 1) / multiple) * multiple;
}

/** Stores the transpose of a 4×4 block, with `stride` bytes between its rows. */
function storeTransposed(r0: v128, r1: v128, r2: v128, r3: v128, out: usize, stride: usize): void {
  const low01 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
  const high01 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
  const low23 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
  const high23 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<i64>(low01, low23, 0, 2));
  out += stride;
  v128.store(out, v128.shuffle<i64>(low01, low23, 1, 3));
  out += stride;
  v128.store(out, v128.shuffle<i64>(high01, high23, 0, 2));
  out += stride;
  v128.store(out, v128.shuffle<i64>(high01, high23, 1, 3));
}

/** Interleaves `depth` floats of four rows into a row quad. Returns the address after it. */
export function packRowQuad(row0: usize, row1: usize, row2: usize, row3: usize, out: usize, depth: i32): usize {
  let k = 0;
  for (; k + 4 <= depth; k += 4) {
    storeTransposed(v128.load(row0), v128.load(row1), v128.load(row2), v128.load(row3), out, 16);
    row0 += 16;
    row1 += 16;
    row2 += 16;
    row3 += 16;
    out += 64;
  }
  for (; k < depth; k++) {
    store<f32>(out, load<f32>(row0));
    store<f32>(out, load<f32>(row1), 4);
    store<f32>(out, load<f32>(row2), 8);
    store<f32>(out, load<f32>(row3), 12);
    row0 += 4;
    row1 += 4;
    row2 += 4;
    row3 += 4;
    out += 16;
  }
  return out;
}

/**
 * `packRowQuad` for gradients, with zeros where the activation is not positive.
 * @param offset distance in bytes from a gradient to its activation
 */
export function packActiveRowQuad(
  row0: usize,
  row1: usize,
  row2: usize,
  row3: usize,
  offset: usize,
  out: usize,
  depth: i32,
): usize {
  let k = 0;
  for (; k + 4 <= depth; k += 4) {
    storeTransposed(
      whereActive(v128.load(row0), v128.load(row0 + offset)),
      whereActive(v128.load(row1), v128.load(row1 + offset)),
      whereActive(v128.load(row2), v128.load(row2 + offset)),
      whereActive(v128.load(row3), v128.load(row3 + offset)),
      out,
      16,
    );
    row0 += 16;
    row1 += 16;
    row2 += 16;
    row3 += 16;
    out += 64;
  }
  for (; k < depth; k++) {
    store<f32>(out, load<f32>(row0 + offset) > 0 ? load<f32>(row0) : 0);
    store<f32>(out, load<f32>(row1 + offset) > 0 ? load<f32>(row1) : 0, 4);
    store<f32>(out, load<f32>(row2 + offset) > 0 ? load<f32>(row2) : 0, 8);
    store<f32>(out, load<f32>(row3 + offset) > 0 ? load<f32>(row3) : 0, 12);
    row0 += 4;
    row1 += 4;
    row2 += 4;
    row3 += 4;
    out += 16;
  }
  return out;
}

/** Packs a [depth, columns] matrix into panels [⌈columns / 8⌉][depth][8], with zeros after the last column. */
export function packPanels(matrix: usize, out: usize, depth: i32, columns: i32): void {
  const rowBytes = (<usize>columns) << 2;
  for (let column = 0; column < columns; column += 8) {
    let from = matrix + ((<usize>column) << 2);
    if (column + 8 <= columns) {
      for (let k = 0; k < depth; k++) {
        v128.store(out, v128.load(from));
        v128.store(out, v128.load(from, 16), 16);
        from += rowBytes;
        out += 32;
      }
    } else {
      const rest = (<usize>(columns - column)) << 2;
      for (let k = 0; k < depth; k++) {
        memory.fill(out + rest, 0, 32 - rest);
        memory.copy(out, from, rest);
        from += rowBytes;
        out += 32;
      }
    }
  }
}

/**
 * Packs the *transpose* of every tap's [inChannels, outChannels] matrix of a filter into panels
 * [⌈inChannels / 8⌉][taps][outChannels][8], with zeros after the last input channel.
 */
export function packTransposedTaps(filter: usize, out: usize, taps: i32, inChannels: i32, outChannels: i32): void {
  const rowBytes = (<usize>outChannels) << 2;
  for (let channel = 0; channel < inChannels; channel += 8) {
    const columns = min(8, inChannels - channel);
    for (let tap = 0; tap < taps; tap++) {
      const from = filter + <usize>(tap * inChannels + channel) * rowBytes;
      let k = 0;
      if (columns === 8) {
        for (; k + 4 <= outChannels; k += 4) {
          let row = from + ((<usize>k) << 2);
          for (let half: usize = 0; half < 32; half += 16) {
            storeTransposed(
              v128.load(row),
              v128.load(row + rowBytes),
              v128.load(row + 2 * rowBytes),
              v128.load(row + 3 * rowBytes),
              out + half,
              32,
            );
            row += 4 * rowBytes;
          }
          out += 128;
        }
      }
      for (; k < outChannels; k++) {
        for (let j = 0; j < 8; j++) {
          const value: f32 = j < columns ? load<f32>(from + <usize>j * rowBytes + ((<usize>k) << 2)) : 0;
          store<f32>(out + ((<usize>j) << 2), value);
        }
        out += 32;
      }
    }
  }
}
