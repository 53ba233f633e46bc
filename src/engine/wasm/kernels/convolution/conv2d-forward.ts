/** Convolution with bias and an optional rectifier, as a matrix product over im2col row quads. */
import { packPanels, packRowQuad, roundUp } from './pack';
import { multiplySlidingTile, multiplyTile } from './tiles';

/** Output positions that are packed together, few enough to stay in cache while all panels of the filter use them. */
const blockPositions: i32 = 32;

/** Size of a filter and bias that are packed for `conv2dForwardPacked`. */
export function conv2dPackedFilterBytes(depth: i32, outChannels: i32): i32 {
  return (roundUp(outChannels, 8) * (depth + 1)) << 2;
}

/**
 * Packs a filter, [depth, outChannels] with depth = filterHeight · filterWidth · inChannels, and a bias.
 * @param bias `outChannels` floats, or 0 for none
 */
export function conv2dPackFilter(filter: usize, bias: usize, packed: usize, depth: i32, outChannels: i32): void {
  const biasBytes = (<usize>roundUp(outChannels, 8)) << 2;
  memory.fill(packed, 0, biasBytes);
  if (bias) memory.copy(packed, bias, (<usize>outChannels) << 2);
  packPanels(filter, packed + biasBytes, depth, outChannels);
}

/** Size of `rowQuads` for `conv2dForwardPacked`. */
export function conv2dForwardPackedScratchBytes(depth: i32): i32 {
  return (blockPositions * depth) << 2;
}

export function conv2dForwardScratchBytes(
  _batch: i32,
  _height: i32,
  _width: i32,
  inChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  outChannels: i32,
  _outHeight: i32,
  _outWidth: i32,
  _strideHeight: i32,
  _strideWidth: i32,
  _dilationHeight: i32,
  _dilationWidth: i32,
): i32 {
  const depth = filterHeight * filterWidth * inChannels;
  return conv2dPackedFilterBytes(depth, outChannels) + conv2dForwardPackedScratchBytes(depth);
}

/**
 * `out[n, i, j, :] = activation(bias + Σ_taps x[n, i·stride + tap·dilation, …, :] · filter[tap])`.
 * @param bias `outChannels` floats, or 0 for none
 */
export function conv2dForward(
  x: usize,
  filter: usize,
  bias: usize,
  out: usize,
  scratch: usize,
  batch: i32,
  height: i32,
  width: i32,
  inChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  outChannels: i32,
  outHeight: i32,
  outWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  relu: bool,
): void {
  const depth = filterHeight * filterWidth * inChannels;
  conv2dPackFilter(filter, bias, scratch, depth, outChannels);
  conv2dForwardPacked(
    x,
    scratch,
    out,
    scratch + conv2dPackedFilterBytes(depth, outChannels),
    batch,
    height,
    width,
    inChannels,
    filterHeight,
    filterWidth,
    outChannels,
    outHeight,
    outWidth,
    strideHeight,
    strideWidth,
    dilationHeight,
    dilationWidth,
    relu,
  );
}

/** `conv2dForward` for a filter and bias that `conv2dPackFilter` has packed. */
export function conv2dForwardPacked(
  x: usize,
  packed: usize,
  out: usize,
  rowQuads: usize,
  batch: i32,
  height: i32,
  width: i32,
  inChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  outChannels: i32,
  outHeight: i32,
  outWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  relu: bool,
): void {
  const depth = filterHeight * filterWidth * inChannels;
  const panels = packed + ((<usize>roundUp(outChannels, 8)) << 2);
  const isDense = strideWidth === 1 && dilationHeight === 1 && dilationWidth === 1;
  if (inChannels === 1 && isDense && (outChannels & 7) === 0) {
    // The last tile of a row reads up to three pixels too many, for positions that are not stored.
    const imageBytes = (<usize>(height * width)) << 2;
    const rowBytes = (<usize>width) << 2;
    const positionBytes = (<usize>outChannels) << 2;
    let to = out;
    for (let image = 0; image < batch; image++) {
      for (let row = 0; row < outHeight; row++) {
        const from = x + <usize>image * imageBytes + <usize>(row * strideHeight) * rowBytes;
        for (let column = 0; column < outWidth; column += 4) {
          for (let channel: usize = 0; channel < <usize>outChannels; channel += 8) {
            multiplySlidingTile(
              from + ((<usize>column) << 2),
              rowBytes,
              filterHeight,
              filterWidth,
              panels + ((channel * <usize>depth) << 2),
              packed + (channel << 2),
              to + (channel << 2),
              positionBytes,
              outWidth - column,
              relu,
            );
          }
          to += <usize>min(4, outWidth - column) * positionBytes;
        }
      }
    }
    return;
  }

  // A row of taps is contiguous in memory, unless the filter is dilated.
  const runs = dilationWidth === 1 ? 1 : filterWidth;
  const runDepth = (filterWidth / runs) * inChannels;
  const runBytes = (<usize>(dilationWidth * inChannels)) << 2;
  const tapRowBytes = (<usize>(dilationHeight * width * inChannels)) << 2;

  const positions = batch * outHeight * outWidth;
  const outRowBytes = (<usize>outChannels) << 2;
  let image = 0;
  let row = 0;
  let column = 0;
  for (let block = 0; block < positions; block += blockPositions) {
    const end = min(block + blockPositions, positions);
    let quad = rowQuads;
    for (let position = block; position < end; position += 4) {
      let x0: usize = 0;
      let x1: usize = 0;
      let x2: usize = 0;
      let x3: usize = 0;
      for (let i = 0; i < 4; i++) {
        // Rows after the last position repeat the first row of the quad. Their products are not stored.
        let address = x0;
        if (position + i < end) {
          const pixel = (image * height + row * strideHeight) * width + column * strideWidth;
          address = x + ((<usize>(pixel * inChannels)) << 2);
          if (++column === outWidth) {
            column = 0;
            if (++row === outHeight) {
              row = 0;
              image++;
            }
          }
        }
        if (i === 0) x0 = address;
        else if (i === 1) x1 = address;
        else if (i === 2) x2 = address;
        else x3 = address;
      }
      for (let tapRow = 0; tapRow < filterHeight; tapRow++) {
        for (let run: usize = 0; run < <usize>runs; run++) {
          const offset = run * runBytes;
          quad = packRowQuad(x0 + offset, x1 + offset, x2 + offset, x3 + offset, quad, runDepth);
        }
        x0 += tapRowBytes;
        x1 += tapRowBytes;
        x2 += tapRowBytes;
        x3 += tapRowBytes;
      }
    }
    for (let channel = 0; channel < outChannels; channel += 8) {
      const panel = panels + ((<usize>(channel * depth)) << 2);
      const channelBias = packed + ((<usize>channel) << 2);
      let rowQuad = rowQuads;
      for (let position = block; position < end; position += 4) {
        const tile = out + ((<usize>(position * outChannels + channel)) << 2);
        multiplyTile(
          rowQuad,
          panel,
          depth,
          channelBias,
          tile,
          outRowBytes,
          end - position,
          outChannels - channel,
          relu,
        );
        rowQuad += (<usize>depth) << 4;
      }
    }
  }
}
