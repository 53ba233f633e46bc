/** The gradients of a convolution with respect to filter and bias: sums of outer products over output positions. */

import { whereActive } from '../simd';
import { roundUp } from './pack';
import { accumulateOuterProducts, accumulateThreeTaps } from './tiles';

/** Images are processed together until they have this many output positions, to spread the cost of a tile. */
const blockPositions: i32 = 128;

function imagesPerBlock(batch: i32, outPositions: i32): i32 {
  return min((blockPositions - 1 + outPositions) / outPositions, batch);
}

/** Size of the sums that `conv2dAddFilterGradient` adds to: tiles of the filter's gradient, and the bias's gradient. */
export function conv2dFilterGradientBytes(depth: i32, outChannels: i32): i32 {
  return ((roundUp(depth, 4) + 1) * roundUp(outChannels, 8)) << 2;
}

export function conv2dAddFilterGradientScratchBytes(
  batch: i32,
  height: i32,
  width: i32,
  inChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  outChannels: i32,
  outHeight: i32,
  outWidth: i32,
  _strideHeight: i32,
  _strideWidth: i32,
  _dilationHeight: i32,
  _dilationWidth: i32,
): i32 {
  const outPositions = outHeight * outWidth;
  const images = imagesPerBlock(batch, outPositions);
  const depth = roundUp(filterHeight * filterWidth * inChannels, 4);
  const xFloats = (inChannels & 3) === 0 ? inChannels * height * width : depth * outPositions;
  return (images * (xFloats + roundUp(outChannels, 8) * outPositions)) << 2;
}

export function conv2dBackpropFilterScratchBytes(
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
): i32 {
  const sums = conv2dFilterGradientBytes(filterHeight * filterWidth * inChannels, outChannels);
  return (
    sums +
    conv2dAddFilterGradientScratchBytes(
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
    )
  );
}

/**
 * Writes all of `dFilter`, and of `dBias` unless it is 0.
 * @param activation the layer's output, shaped like `dy`, if it has a rectifier: gradients only count where it is
 *   positive. 0 for a layer without one.
 */
export function conv2dBackpropFilter(
  x: usize,
  dy: usize,
  activation: usize,
  dFilter: usize,
  dBias: usize,
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
): void {
  const depth = filterHeight * filterWidth * inChannels;
  const sumBytes = <usize>conv2dFilterGradientBytes(depth, outChannels);
  memory.fill(scratch, 0, sumBytes);
  conv2dAddFilterGradient(
    x,
    dy,
    activation,
    scratch,
    scratch + sumBytes,
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
  );
  conv2dUnpackFilterGradient(scratch, dFilter, dBias, depth, outChannels);
}

/** Copies the sums of `conv2dAddFilterGradient` to `dFilter`, [depth, outChannels], and unless it is 0 to `dBias`. */
export function conv2dUnpackFilterGradient(
  sums: usize,
  dFilter: usize,
  dBias: usize,
  depth: i32,
  outChannels: i32,
): void {
  const tileRowBytes = (<usize>roundUp(outChannels, 8)) << 2;
  const filterRowBytes = (<usize>outChannels) << 2;
  for (let row: usize = 0; row < <usize>depth; row++) {
    memory.copy(dFilter + row * filterRowBytes, sums + row * tileRowBytes, filterRowBytes);
  }
  if (dBias) memory.copy(dBias, sums + <usize>roundUp(depth, 4) * tileRowBytes, filterRowBytes);
}

/** Adds the gradients of `conv2dBackpropFilter` to `sums`, which has `conv2dFilterGradientBytes`. */
export function conv2dAddFilterGradient(
  x: usize,
  dy: usize,
  activation: usize,
  sums: usize,
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
): void {
  const depth = filterHeight * filterWidth * inChannels;
  const tileDepth = roundUp(depth, 4);
  const panelColumns = roundUp(outChannels, 8);
  const tileRowBytes = (<usize>panelColumns) << 2;
  const tiles = sums;
  const biasSums = sums + <usize>tileDepth * tileRowBytes;
  const outPositions = outHeight * outWidth;
  const pixels = height * width;
  const imagesPerPass = imagesPerBlock(batch, outPositions);
  // Multiples of four channels can be read from the images themselves, others from an im2col copy.
  const quadChannels = (inChannels & 3) === 0;
  const isDense = strideWidth === 1 && dilationHeight === 1 && dilationWidth === 1;
  const threeTaps = inChannels === 1 && filterWidth === 3 && isDense;

  const dyPanels = scratch;
  const xQuads = dyPanels + ((<usize>(panelColumns * imagesPerPass * outPositions)) << 2);

  for (let firstImage = 0; firstImage < batch; firstImage += imagesPerPass) {
    const images = min(imagesPerPass, batch - firstImage);
    const positions = images * outPositions;
    const firstDy = (<usize>(firstImage * outPositions * outChannels)) << 2;
    const firstX = x + ((<usize>(firstImage * pixels * inChannels)) << 2);
    packGradients(dy + firstDy, activation ? activation + firstDy : 0, dyPanels, biasSums, positions, outChannels);
    if (threeTaps) {
      for (let column = 0; column < panelColumns; column += 8) {
        for (let tapRow = 0; tapRow < filterHeight; tapRow++) {
          accumulateThreeTaps(
            firstX + ((<usize>(tapRow * width)) << 2),
            dyPanels + ((<usize>(column * positions)) << 2),
            tiles + ((<usize>(tapRow * 3 * panelColumns + column)) << 2),
            tileRowBytes,
            images,
            outHeight,
            outWidth,
            (<usize>pixels) << 2,
            (<usize>(strideHeight * width)) << 2,
          );
        }
      }
      continue;
    }
    if (quadChannels) {
      packChannelQuads(firstX, xQuads, images * pixels, inChannels);
    } else {
      let row = 0;
      for (let tapRow = 0; tapRow < filterHeight; tapRow++) {
        for (let tapColumn = 0; tapColumn < filterWidth; tapColumn++) {
          const tap = tapRow * dilationHeight * width + tapColumn * dilationWidth;
          for (let channel = 0; channel < inChannels; channel++) {
            packTapRow(
              firstX + ((<usize>(tap * inChannels + channel)) << 2),
              xQuads + ((<usize>((row >> 2) * 4 * positions + (row & 3))) << 2),
              images,
              outHeight,
              outWidth,
              (<usize>(pixels * inChannels)) << 2,
              (<usize>(strideHeight * width * inChannels)) << 2,
              (<usize>(strideWidth * inChannels)) << 2,
            );
            row++;
          }
        }
      }
      // The rows that fill up the last quad are multiplied too, so they must not be NaN.
      for (; row < tileDepth; row++) {
        let out = xQuads + ((<usize>((row >> 2) * 4 * positions + (row & 3))) << 2);
        for (let position = 0; position < positions; position++) {
          store<f32>(out, 0);
          out += 16;
        }
      }
    }

    for (let column = 0; column < panelColumns; column += 8) {
      const panel = dyPanels + ((<usize>(column * positions)) << 2);
      if (quadChannels) {
        for (let channel = 0; channel < inChannels; channel += 4) {
          const quad = xQuads + ((<usize>(channel * images * pixels)) << 2);
          for (let tapRow = 0; tapRow < filterHeight; tapRow++) {
            for (let tapColumn = 0; tapColumn < filterWidth; tapColumn++) {
              const tapPixel = tapRow * dilationHeight * width + tapColumn * dilationWidth;
              const row = (tapRow * filterWidth + tapColumn) * inChannels + channel;
              accumulateOuterProducts(
                quad + ((<usize>tapPixel) << 4),
                panel,
                tiles + ((<usize>(row * panelColumns + column)) << 2),
                tileRowBytes,
                images,
                outHeight,
                outWidth,
                (<usize>pixels) << 4,
                (<usize>(strideHeight * width)) << 4,
                (<usize>strideWidth) << 4,
              );
            }
          }
        }
      } else {
        for (let row = 0; row < tileDepth; row += 4) {
          accumulateOuterProducts(
            xQuads + ((<usize>(row * positions)) << 2),
            panel,
            tiles + ((<usize>(row * panelColumns + column)) << 2),
            tileRowBytes,
            1,
            1,
            positions,
            0,
            0,
            16,
          );
        }
      }
    }
  }
}

/** Packs gradients [positions, channels] into panels of eight channels, and sums each channel for the bias. */
function packGradients(dy: usize, activation: usize, panels: usize, sums: usize, positions: i32, channels: i32): void {
  const rowBytes = (<usize>channels) << 2;
  const toActivation = activation - dy;
  let out = panels;
  for (let channel = 0; channel < channels; channel += 8) {
    const sumAddress = sums + ((<usize>channel) << 2);
    let from = dy + ((<usize>channel) << 2);
    if (channel + 8 <= channels) {
      let sum0 = v128.load(sumAddress);
      let sum1 = v128.load(sumAddress, 16);
      for (let position = 0; position < positions; position++) {
        let low = v128.load(from);
        let high = v128.load(from, 16);
        if (activation) {
          low = whereActive(low, v128.load(from + toActivation));
          high = whereActive(high, v128.load(from + toActivation, 16));
        }
        v128.store(out, low);
        v128.store(out, high, 16);
        sum0 = f32x4.add(sum0, low);
        sum1 = f32x4.add(sum1, high);
        from += rowBytes;
        out += 32;
      }
      v128.store(sumAddress, sum0);
      v128.store(sumAddress, sum1, 16);
    } else {
      const columns = channels - channel;
      for (let position = 0; position < positions; position++) {
        for (let j: usize = 0; j < 8; j++) {
          let value: f32 = 0;
          if (<i32>j < columns) {
            value = load<f32>(from + (j << 2));
            if (activation && !(load<f32>(from + toActivation + (j << 2)) > 0)) value = 0;
            store<f32>(sumAddress + (j << 2), load<f32>(sumAddress + (j << 2)) + value);
          }
          store<f32>(out + (j << 2), value);
        }
        from += rowBytes;
        out += 32;
      }
    }
  }
}

/** [pixels, channels] to [channels / 4][pixels][4]. */
function packChannelQuads(x: usize, out: usize, pixels: i32, channels: i32): void {
  const rowBytes = (<usize>channels) << 2;
  for (let channel = 0; channel < channels; channel += 4) {
    let from = x + ((<usize>channel) << 2);
    for (let pixel = 0; pixel < pixels; pixel++) {
      v128.store(out, v128.load(from));
      from += rowBytes;
      out += 16;
    }
  }
}

/** Packs what one tap of the filter reads from one channel, for every output position: one row of an im2col quad. */
function packTapRow(
  x: usize,
  out: usize,
  images: i32,
  outHeight: i32,
  outWidth: i32,
  imageBytes: usize,
  rowBytes: usize,
  columnBytes: usize,
): void {
  for (let image = 0; image < images; image++) {
    let rowStart = x;
    for (let row = 0; row < outHeight; row++) {
      let from = rowStart;
      for (let column = 0; column < outWidth; column++) {
        store<f32>(out, load<f32>(from));
        from += columnBytes;
        out += 16;
      }
      rowStart += rowBytes;
    }
    x += imageBytes;
  }
}
