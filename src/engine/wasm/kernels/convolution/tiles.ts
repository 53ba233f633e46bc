/**
 * The inner loops: each keeps a 4×8 tile of a matrix product in eight vector registers.
 *
 * An iteration deliberately makes only one step of depth: with more, V8 runs out of the sixteen registers and spills.
 * For the same reason the loops are functions of their own, so that no other code competes for registers.
 */
import { loadLanes, multiplyAdd, storeLanes } from '../simd';

/**
 * `out = activation(bias + rowQuad · panel)` for up to four rows of up to eight columns.
 * @param bias eight floats
 * @param rowBytes distance between rows of `out`
 */
export function multiplyTile(
  rowQuad: usize,
  panel: usize,
  depth: i32,
  bias: usize,
  out: usize,
  rowBytes: usize,
  rows: i32,
  columns: i32,
  relu: bool,
): void {
  let b0 = v128.load(bias);
  let b1 = v128.load(bias, 16);
  let a: v128;
  let c00 = b0;
  let c10 = b0;
  let c20 = b0;
  let c30 = b0;
  let c01 = b1;
  let c11 = b1;
  let c21 = b1;
  let c31 = b1;
  for (let k = depth; k > 0; k--) {
    b0 = v128.load(panel);
    b1 = v128.load(panel, 16);
    a = v128.load32_splat(rowQuad);
    c00 = multiplyAdd(a, b0, c00);
    c01 = multiplyAdd(a, b1, c01);
    a = v128.load32_splat(rowQuad, 4);
    c10 = multiplyAdd(a, b0, c10);
    c11 = multiplyAdd(a, b1, c11);
    a = v128.load32_splat(rowQuad, 8);
    c20 = multiplyAdd(a, b0, c20);
    c21 = multiplyAdd(a, b1, c21);
    a = v128.load32_splat(rowQuad, 12);
    c30 = multiplyAdd(a, b0, c30);
    c31 = multiplyAdd(a, b1, c31);
    rowQuad += 16;
    panel += 32;
  }
  if (relu) {
    const zero = f32x4.splat(0);
    c00 = f32x4.max(c00, zero);
    c01 = f32x4.max(c01, zero);
    c10 = f32x4.max(c10, zero);
    c11 = f32x4.max(c11, zero);
    c20 = f32x4.max(c20, zero);
    c21 = f32x4.max(c21, zero);
    c30 = f32x4.max(c30, zero);
    c31 = f32x4.max(c31, zero);
  }
  const out1 = out + rowBytes;
  const out2 = out1 + rowBytes;
  const out3 = out2 + rowBytes;
  if (columns >= 8) {
    storePair(out, c00, c01);
    if (rows > 1) storePair(out1, c10, c11);
    if (rows > 2) storePair(out2, c20, c21);
    if (rows > 3) storePair(out3, c30, c31);
  } else {
    storeLanes(out, c00, c01, columns);
    if (rows > 1) storeLanes(out1, c10, c11, columns);
    if (rows > 2) storeLanes(out2, c20, c21, columns);
    if (rows > 3) storeLanes(out3, c30, c31, columns);
  }
}

/** Adds `rowQuad · panel` to up to four rows of up to eight columns. Each row has its own address. */
export function accumulateTile(
  rowQuad: usize,
  panel: usize,
  depth: i32,
  row0: usize,
  row1: usize,
  row2: usize,
  row3: usize,
  rows: i32,
  columns: i32,
): void {
  let b0 = f32x4.splat(0);
  let b1 = b0;
  let a: v128;
  let c00 = b0;
  let c10 = b0;
  let c20 = b0;
  let c30 = b0;
  let c01 = b0;
  let c11 = b0;
  let c21 = b0;
  let c31 = b0;
  for (let k = depth; k > 0; k--) {
    b0 = v128.load(panel);
    b1 = v128.load(panel, 16);
    a = v128.load32_splat(rowQuad);
    c00 = multiplyAdd(a, b0, c00);
    c01 = multiplyAdd(a, b1, c01);
    a = v128.load32_splat(rowQuad, 4);
    c10 = multiplyAdd(a, b0, c10);
    c11 = multiplyAdd(a, b1, c11);
    a = v128.load32_splat(rowQuad, 8);
    c20 = multiplyAdd(a, b0, c20);
    c21 = multiplyAdd(a, b1, c21);
    a = v128.load32_splat(rowQuad, 12);
    c30 = multiplyAdd(a, b0, c30);
    c31 = multiplyAdd(a, b1, c31);
    rowQuad += 16;
    panel += 32;
  }
  if (columns >= 8) {
    addPair(row0, c00, c01);
    if (rows > 1) addPair(row1, c10, c11);
    if (rows > 2) addPair(row2, c20, c21);
    if (rows > 3) addPair(row3, c30, c31);
  } else {
    addLanes(row0, c00, c01, columns);
    if (rows > 1) addLanes(row1, c10, c11, columns);
    if (rows > 2) addLanes(row2, c20, c21, columns);
    if (rows > 3) addLanes(row3, c30, c31, columns);
  }
}

/**
 * Adds `Σ x[position] ⊗ dy[position]` to a 4×8 tile of a filter's gradient: four input channels by eight output
 * channels, over `images × rows × columns` positions.
 * @param x the first four input channels, 16 bytes per position
 * @param dy a panel: eight output channels of every position, in order
 * @param tile four rows of eight floats, `tileRowBytes` apart
 * @param xImageBytes distance between images in `x`; likewise for rows and columns of output positions
 */
export function accumulateOuterProducts(
  x: usize,
  dy: usize,
  tile: usize,
  tileRowBytes: usize,
  images: i32,
  rows: i32,
  columns: i32,
  xImageBytes: usize,
  xRowBytes: usize,
  xColumnBytes: usize,
): void {
  const tile1 = tile + tileRowBytes;
  const tile2 = tile1 + tileRowBytes;
  const tile3 = tile2 + tileRowBytes;
  let a: v128;
  let b0: v128;
  let b1: v128;
  let c00 = v128.load(tile);
  let c01 = v128.load(tile, 16);
  let c10 = v128.load(tile1);
  let c11 = v128.load(tile1, 16);
  let c20 = v128.load(tile2);
  let c21 = v128.load(tile2, 16);
  let c30 = v128.load(tile3);
  let c31 = v128.load(tile3, 16);
  for (let image = 0; image < images; image++) {
    let xRow = x;
    for (let row = 0; row < rows; row++) {
      let position = xRow;
      for (let column = columns; column > 0; column--) {
        b0 = v128.load(dy);
        b1 = v128.load(dy, 16);
        a = v128.load32_splat(position);
        c00 = multiplyAdd(a, b0, c00);
        c01 = multiplyAdd(a, b1, c01);
        a = v128.load32_splat(position, 4);
        c10 = multiplyAdd(a, b0, c10);
        c11 = multiplyAdd(a, b1, c11);
        a = v128.load32_splat(position, 8);
        c20 = multiplyAdd(a, b0, c20);
        c21 = multiplyAdd(a, b1, c21);
        a = v128.load32_splat(position, 12);
        c30 = multiplyAdd(a, b0, c30);
        c31 = multiplyAdd(a, b1, c31);
        position += xColumnBytes;
        dy += 32;
      }
      xRow += xRowBytes;
    }
    x += xImageBytes;
  }
  v128.store(tile, c00);
  v128.store(tile, c01, 16);
  v128.store(tile1, c10);
  v128.store(tile1, c11, 16);
  v128.store(tile2, c20);
  v128.store(tile2, c21, 16);
  v128.store(tile3, c30);
  v128.store(tile3, c31, 16);
}

function storePair(address: usize, low: v128, high: v128): void {
  v128.store(address, low);
  v128.store(address, high, 16);
}

function addPair(address: usize, low: v128, high: v128): void {
  v128.store(address, f32x4.add(v128.load(address), low));
  v128.store(address, f32x4.add(v128.load(address, 16), high), 16);
}

/** `addPair` for the first `count` (1 to 7) lanes. */
function addLanes(address: usize, low: v128, high: v128, count: i32): void {
  const storedLow = loadLanes(address, count);
  const storedHigh = loadLanes(address + 16, count - 4);
  storeLanes(address, f32x4.add(storedLow, low), f32x4.add(storedHigh, high), count);
}

/**
 * A 4×8 tile of a product whose left operand is blocked by eight columns:
 * `out[i][·] = Σ_k rows[k / 8][i][k % 8] · panel[k]`.
 * @param rows four rows, 32 bytes apart, of the first block of eight columns; blocks are `blockBytes` apart
 * @param blocks number of blocks of eight columns
 * @param out four rows of eight floats, contiguous
 */
export function multiplyBlockedRows(rows: usize, blockBytes: usize, panel: usize, blocks: i32, out: usize): void {
  let b0: v128;
  let b1: v128;
  let a: v128;
  let c00 = f32x4.splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  const toNextBlock = blockBytes - 32;
  for (; blocks > 0; blocks--) {
    const end = rows + 32;
    for (; rows < end; rows += 4) {
      b0 = v128.load(panel);
      b1 = v128.load(panel, 16);
      a = v128.load32_splat(rows);
      c00 = multiplyAdd(a, b0, c00);
      c01 = multiplyAdd(a, b1, c01);
      a = v128.load32_splat(rows, 32);
      c10 = multiplyAdd(a, b0, c10);
      c11 = multiplyAdd(a, b1, c11);
      a = v128.load32_splat(rows, 64);
      c20 = multiplyAdd(a, b0, c20);
      c21 = multiplyAdd(a, b1, c21);
      a = v128.load32_splat(rows, 96);
      c30 = multiplyAdd(a, b0, c30);
      c31 = multiplyAdd(a, b1, c31);
      panel += 32;
    }
    rows += toNextBlock;
  }
  v128.store(out, c00);
  v128.store(out, c01, 16);
  v128.store(out, c10, 32);
  v128.store(out, c11, 48);
  v128.store(out, c20, 64);
  v128.store(out, c21, 80);
  v128.store(out, c30, 96);
  v128.store(out, c31, 112);
}

/**
 * Adds `Σ_row columns[row] ⊗ panel[row]` to a 4×8 tile: four columns of one matrix by eight of another, over all rows.
 * @param columns four floats per row, 32 bytes apart
 * @param panel eight floats per row, 32 bytes apart
 * @param tile four rows of eight floats, contiguous
 */
export function accumulateBlockedColumns(columns: usize, panel: usize, rows: i32, tile: usize): void {
  let b0: v128;
  let b1: v128;
  let a: v128;
  let c00 = v128.load(tile);
  let c01 = v128.load(tile, 16);
  let c10 = v128.load(tile, 32);
  let c11 = v128.load(tile, 48);
  let c20 = v128.load(tile, 64);
  let c21 = v128.load(tile, 80);
  let c30 = v128.load(tile, 96);
  let c31 = v128.load(tile, 112);
  const end = columns + ((<usize>rows) << 5);
  for (; columns < end; columns += 32) {
    b0 = v128.load(panel);
    b1 = v128.load(panel, 16);
    a = v128.load32_splat(columns);
    c00 = multiplyAdd(a, b0, c00);
    c01 = multiplyAdd(a, b1, c01);
    a = v128.load32_splat(columns, 4);
    c10 = multiplyAdd(a, b0, c10);
    c11 = multiplyAdd(a, b1, c11);
    a = v128.load32_splat(columns, 8);
    c20 = multiplyAdd(a, b0, c20);
    c21 = multiplyAdd(a, b1, c21);
    a = v128.load32_splat(columns, 12);
    c30 = multiplyAdd(a, b0, c30);
    c31 = multiplyAdd(a, b1, c31);
    panel += 32;
  }
  v128.store(tile, c00);
  v128.store(tile, c01, 16);
  v128.store(tile, c10, 32);
  v128.store(tile, c11, 48);
  v128.store(tile, c20, 64);
  v128.store(tile, c21, 80);
  v128.store(tile, c30, 96);
  v128.store(tile, c31, 112);
}

/**
 * `out = activation(bias + convolution)` for up to four neighbouring positions of a row, for images with one channel.
 * What a tap reads for them is contiguous in the image, so it need not be packed.
 * @param x what the first tap reads for the first position
 */
export function multiplySlidingTile(
  x: usize,
  xRowBytes: usize,
  filterHeight: i32,
  filterWidth: i32,
  panel: usize,
  bias: usize,
  out: usize,
  outRowBytes: usize,
  rows: i32,
  relu: bool,
): void {
  let b0 = v128.load(bias);
  let b1 = v128.load(bias, 16);
  let a: v128;
  let c00 = b0;
  let c10 = b0;
  let c20 = b0;
  let c30 = b0;
  let c01 = b1;
  let c11 = b1;
  let c21 = b1;
  let c31 = b1;
  const tapRowBytes = (<usize>filterWidth) << 2;
  const toNextRow = xRowBytes - tapRowBytes;
  for (; filterHeight > 0; filterHeight--) {
    const end = x + tapRowBytes;
    for (; x < end; x += 4) {
      b0 = v128.load(panel);
      b1 = v128.load(panel, 16);
      a = v128.load32_splat(x);
      c00 = multiplyAdd(a, b0, c00);
      c01 = multiplyAdd(a, b1, c01);
      a = v128.load32_splat(x, 4);
      c10 = multiplyAdd(a, b0, c10);
      c11 = multiplyAdd(a, b1, c11);
      a = v128.load32_splat(x, 8);
      c20 = multiplyAdd(a, b0, c20);
      c21 = multiplyAdd(a, b1, c21);
      a = v128.load32_splat(x, 12);
      c30 = multiplyAdd(a, b0, c30);
      c31 = multiplyAdd(a, b1, c31);
      panel += 32;
    }
    x += toNextRow;
  }
  if (relu) {
    const zero = f32x4.splat(0);
    c00 = f32x4.max(c00, zero);
    c01 = f32x4.max(c01, zero);
    c10 = f32x4.max(c10, zero);
    c11 = f32x4.max(c11, zero);
    c20 = f32x4.max(c20, zero);
    c21 = f32x4.max(c21, zero);
    c30 = f32x4.max(c30, zero);
    c31 = f32x4.max(c31, zero);
  }
  storePair(out, c00, c01);
  if (rows > 1) storePair(out + outRowBytes, c10, c11);
  if (rows > 2) storePair(out + 2 * outRowBytes, c20, c21);
  if (rows > 3) storePair(out + 3 * outRowBytes, c30, c31);
}

/**
 * Adds to the gradient of three neighbouring taps of a filter, for one input and eight output channels: the outer
 * products of what the taps read with `dy`, over `images × rows × columns` positions.
 * @param dy a panel: eight output channels of every position, in order
 * @param tile three rows of eight floats, `tileRowBytes` apart
 */
export function accumulateThreeTaps(
  x: usize,
  dy: usize,
  tile: usize,
  tileRowBytes: usize,
  images: i32,
  rows: i32,
  columns: i32,
  xImageBytes: usize,
  xRowBytes: usize,
): void {
  const tile1 = tile + tileRowBytes;
  const tile2 = tile1 + tileRowBytes;
  let a: v128;
  let b0: v128;
  let b1: v128;
  let c00 = v128.load(tile);
  let c01 = v128.load(tile, 16);
  let c10 = v128.load(tile1);
  let c11 = v128.load(tile1, 16);
  let c20 = v128.load(tile2);
  let c21 = v128.load(tile2, 16);
  const columnsBytes = (<usize>columns) << 2;
  for (; images > 0; images--) {
    let xRow = x;
    for (let row = rows; row > 0; row--) {
      const end = xRow + columnsBytes;
      for (let position = xRow; position < end; position += 4) {
        b0 = v128.load(dy);
        b1 = v128.load(dy, 16);
        a = v128.load32_splat(position);
        c00 = multiplyAdd(a, b0, c00);
        c01 = multiplyAdd(a, b1, c01);
        a = v128.load32_splat(position, 4);
        c10 = multiplyAdd(a, b0, c10);
        c11 = multiplyAdd(a, b1, c11);
        a = v128.load32_splat(position, 8);
        c20 = multiplyAdd(a, b0, c20);
        c21 = multiplyAdd(a, b1, c21);
        dy += 32;
      }
      xRow += xRowBytes;
    }
    x += xImageBytes;
  }
  v128.store(tile, c00);
  v128.store(tile, c01, 16);
  v128.store(tile1, c10);
  v128.store(tile1, c11, 16);
  v128.store(tile2, c20);
  v128.store(tile2, c21, 16);
}
