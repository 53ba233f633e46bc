/** The gradient of a convolution with respect to its input: one matrix product per tap, added to what the tap read. */
import { packActiveRowQuad, packRowQuad, packTransposedTaps, roundUp } from './pack';
import { accumulateTile } from './tiles';

const blockPositions: i32 = 64;

/** Size of a filter that is packed for `conv2dBackpropInputPacked`. */
export function conv2dTransposedFilterBytes(taps: i32, inChannels: i32, outChannels: i32): i32 {
  return (taps * roundUp(inChannels, 8) * outChannels) << 2;
}

/** Size of `rowQuads` for `conv2dBackpropInputPacked`. */
export function conv2dBackpropInputPackedScratchBytes(outChannels: i32): i32 {
  return (blockPositions * outChannels) << 2;
}

export function conv2dBackpropInputScratchBytes(
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
  const taps = filterHeight * filterWidth;
  const packedBytes = conv2dTransposedFilterBytes(taps, inChannels, outChannels);
  return packedBytes + conv2dBackpropInputPackedScratchBytes(outChannels);
}

/**
 * Writes all of `dx`, which has the shape of the padded input.
 * @param activation the layer's output, shaped like `dy`, if it has a rectifier: gradients only count where it is
 *   positive. 0 for a layer without one.
 */
export function conv2dBackpropInput(
  dy: usize,
  activation: usize,
  filter: usize,
  dx: usize,
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
  const taps = filterHeight * filterWidth;
  packTransposedTaps(filter, scratch, taps, inChannels, outChannels);
  conv2dBackpropInputPacked(
    dy,
    activation,
    scratch,
    dx,
    scratch + conv2dTransposedFilterBytes(taps, inChannels, outChannels),
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
}

/** `conv2dBackpropInput` for a filter that `packTransposedTaps` has packed. */
export function conv2dBackpropInputPacked(
  dy: usize,
  activation: usize,
  panels: usize,
  dx: usize,
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
): void {
  const taps = filterHeight * filterWidth;
  memory.fill(dx, 0, (<usize>(batch * height * width * inChannels)) << 2);

  const positions = batch * outHeight * outWidth;
  const dyRowBytes = (<usize>outChannels) << 2;
  const tapPanelBytes = (<usize>outChannels) << 5;
  let blockImage = 0;
  let blockRow = 0;
  let blockColumn = 0;
  for (let block = 0; block < positions; block += blockPositions) {
    const end = min(block + blockPositions, positions);
    let packed = rowQuads;
    for (let position = block; position < end; position += 4) {
      const rows = end - position;
      const dy0 = dy + <usize>position * dyRowBytes;
      const dy1 = rows > 1 ? dy0 + dyRowBytes : dy0;
      const dy2 = rows > 2 ? dy0 + 2 * dyRowBytes : dy0;
      const dy3 = rows > 3 ? dy0 + 3 * dyRowBytes : dy0;
      packed = activation
        ? packActiveRowQuad(dy0, dy1, dy2, dy3, activation - dy, packed, outChannels)
        : packRowQuad(dy0, dy1, dy2, dy3, packed, outChannels);
    }

    let image = blockImage;
    let row = blockRow;
    let column = blockColumn;
    for (let channel = 0; channel < inChannels; channel += 8) {
      const channelPanels = panels + ((<usize>(channel * taps * outChannels)) << 2);
      let rowQuad = rowQuads;
      image = blockImage;
      row = blockRow;
      column = blockColumn;
      for (let position = block; position < end; position += 4) {
        let dx0: usize = 0;
        let dx1: usize = 0;
        let dx2: usize = 0;
        let dx3: usize = 0;
        for (let i = 0; i < 4; i++) {
          let address = dx0;
          if (position + i < end) {
            const pixel = (image * height + row * strideHeight) * width + column * strideWidth;
            address = dx + ((<usize>(pixel * inChannels + channel)) << 2);
            if (++column === outWidth) {
              column = 0;
              if (++row === outHeight) {
                row = 0;
                image++;
              }
            }
          }
          if (i === 0) dx0 = address;
          else if (i === 1) dx1 = address;
          else if (i === 2) dx2 = address;
          else dx3 = address;
        }
        let panel = channelPanels;
        for (let tapRow = 0; tapRow < filterHeight; tapRow++) {
          for (let tapColumn = 0; tapColumn < filterWidth; tapColumn++) {
            const tapPixel = tapRow * dilationHeight * width + tapColumn * dilationWidth;
            const offset = (<usize>(tapPixel * inChannels)) << 2;
            accumulateTile(
              rowQuad,
              panel,
              outChannels,
              dx0 + offset,
              dx1 + offset,
              dx2 + offset,
              dx3 + offset,
              end - position,
              inChannels - channel,
            );
            panel += tapPanelBytes;
          }
        }
        rowQuad += (<usize>outChannels) << 4;
      }
    }
    blockImage = image;
    blockRow = row;
    blockColumn = column;
  }
}
