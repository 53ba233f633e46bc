/** Prepares any picture of a digit as the makers of MNIST prepared theirs. */

/** A picture as one channel, row-major, 0 (black) to 1 (white). */
export interface GreyImage {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

const fieldSize = 28;
const boxSize = 20;
/**
 * Ink below this fraction of the darkest stroke counts as paper, so that the grain of a scan does not stretch the bounding
 * box.
 */
const faintInk = 0.15;
/** A picture with less contrast is blank. */
const leastContrast = 0.05;

/**
 * A 28 × 28 image like MNIST's, white on black, in bytes.
 *
 * As LeCun, Cortes and Burges describe MNIST (yann.lecun.com/exdb/mnist): the digit is scaled to fit a 20 × 20 box with
 * its aspect ratio kept, which leaves grey levels, and its centre of mass is put at the centre of the 28 × 28 field.
 * The border of the picture decides what is background, and so whether the picture is dark on bright. A 28 × 28 picture
 * with a dark border is not changed.
 *
 * @returns undefined when the picture is blank
 */
export function toMnistImage(image: GreyImage): Uint8Array | undefined {
  const background = borderBrightness(image);
  if (image.width === fieldSize && image.height === fieldSize && background < 0.5) {
    return image.values.some((value) => value > 0) ? toBytes(image.values) : undefined;
  }
  const ink = toInk(image, background);
  const box = ink && boundingBox(ink);
  if (ink === undefined || box === undefined) return undefined;
  const scale = boxSize / Math.max(box.width, box.height);
  const width = Math.max(1, Math.round(box.width * scale));
  const height = Math.max(1, Math.round(box.height * scale));
  return toBytes(centreByMass(resampleByArea(ink, box, width, height)).values);
}

/** The median along the edge, so that a stroke that leaves the picture does not decide what is background. */
function borderBrightness({ width, height, values }: GreyImage): number {
  const firstRow = values.subarray(0, width);
  const lastRow = values.subarray((height - 1) * width);
  const sides = Array.from({ length: height }, (_, row) => [values[row * width], values[(row + 1) * width - 1]]);
  const border = [...firstRow, ...lastRow, ...sides.flat()].filter((value) => value !== undefined);
  border.sort((a, b) => a - b);
  return border[Math.floor(border.length / 2)] ?? 0;
}

/** The distance of each pixel from the background in the direction of the strokes, scaled so that the strongest is 1. */
function toInk({ width, height, values }: GreyImage, background: number): GreyImage | undefined {
  const darkest = values.reduce((least, value) => Math.min(least, value), 1);
  const brightest = values.reduce((most, value) => Math.max(most, value), 0);
  const strokes = brightest - background > background - darkest ? brightest : darkest;
  const contrast = strokes - background;
  if (Math.abs(contrast) < leastContrast) return undefined;
  return { width, height, values: values.map((value) => Math.max(0, (value - background) / contrast)) };
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function boundingBox({ width, height, values }: GreyImage): Box | undefined {
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (const [index, value] of values.entries()) {
    if (value < faintInk) continue;
    const column = index % width;
    const row = Math.floor(index / width);
    [left, right] = [Math.min(left, column), Math.max(right, column)];
    [top, bottom] = [Math.min(top, row), Math.max(bottom, row)];
  }
  return right < 0 ? undefined : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** Each pixel of the result is the mean over the rectangle of the source that it covers, including parts of pixels. */
export function resampleByArea(image: GreyImage, box: Box, width: number, height: number): GreyImage {
  const columns = Array.from({ length: width }, (_, column) => coverage(column, width, box.left, box.width));
  const values = new Float32Array(width * height);
  for (let row = 0; row < height; row++) {
    const lines = coverage(row, height, box.top, box.height);
    for (const [column, cells] of columns.entries()) {
      let sum = 0;
      for (const line of lines) {
        for (const cell of cells) {
          sum += line.share * cell.share * (image.values[line.index * image.width + cell.index] ?? 0);
        }
      }
      values[row * width + column] = sum;
    }
  }
  return { width, height, values };
}

/** The source pixels under one of `length` result pixels along an axis, with weights that sum to 1. */
function coverage(
  position: number,
  length: number,
  offset: number,
  extent: number,
): { index: number; share: number }[] {
  const size = extent / length;
  const from = position * size;
  const to = Math.min(extent, from + size);
  const covered: { index: number; share: number }[] = [];
  for (let index = Math.floor(from); index < to; index++) {
    const share = (Math.min(to, index + 1) - Math.max(from, index)) / size;
    if (share > 0) covered.push({ index: offset + index, share });
  }
  return covered;
}

/**
 * Shifts the digit until its centre of mass lies within pixel 14 in both directions, as in every image of MNIST's test set.
 * The shift is by whole pixels, which does not blur. What is shifted out of the field is lost.
 */
function centreByMass({ width, values }: GreyImage): GreyImage {
  let [mass, acrossSum, downSum] = [0, 0, 0];
  for (const [index, value] of values.entries()) {
    mass += value;
    acrossSum += value * ((index % width) + 0.5);
    downSum += value * (Math.floor(index / width) + 0.5);
  }
  const left = Math.ceil(fieldSize / 2 - acrossSum / mass);
  const top = Math.ceil(fieldSize / 2 - downSum / mass);
  const field = new Float32Array(fieldSize * fieldSize);
  for (const [index, value] of values.entries()) {
    const column = left + (index % width);
    const row = top + Math.floor(index / width);
    if (column >= 0 && column < fieldSize && row >= 0 && row < fieldSize) field[row * fieldSize + column] = value;
  }
  return { width: fieldSize, height: fieldSize, values: field };
}

function toBytes(values: Float32Array): Uint8Array {
  return Uint8Array.from(values, (value) => Math.round(Math.min(1, Math.max(0, value)) * 255));
}
