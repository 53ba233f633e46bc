/** Prepares any picture as the images that a model was trained on are prepared. */
import type { Dataset } from '../../shared/data/dataset.ts';

/** A picture as one channel, row-major, 0 (black) to 1 (white). */
export interface GreyImage {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/** How the images of a dataset are laid out. */
export interface ImageLayout {
  readonly width: number;
  readonly height: number;
  /** The longer side of the box around what is drawn, in pixels: 20 for MNIST, whose images have 28 × 28. */
  readonly box: number;
  /** Bright on dark, as MNIST. */
  readonly darkBackground: boolean;
}

/** Training images that the layout is taken from. */
const mostLookedAt = 300;
/** A box that differs by no more has the right size: the border of a stroke may be faint. */
const boxTolerance = 1;
/**
 * Ink below this fraction of the darkest stroke counts as paper, so that the grain of a scan does not stretch the bounding
 * box.
 */
const faintInk = 0.15;
/** A picture with less contrast is blank. */
const leastContrast = 0.05;

/** @returns the layout of most training images */
export function layoutOf({ imageShape: [height, width], train }: Pick<Dataset, 'imageShape' | 'train'>): ImageLayout {
  const size = height * width;
  const looks = Array.from({ length: Math.min(train.count, mostLookedAt) }, (_, index) => {
    const bytes = train.images.subarray(index * size, (index + 1) * size);
    return look({ width, height, values: Float32Array.from(bytes, (value) => value / 255) });
  }).filter((drawn) => drawn !== undefined);
  return {
    width,
    height,
    box: median(looks.map(({ box }) => longerSide(box))) ?? Math.max(width, height),
    darkBackground: (median(looks.map(({ background }) => background)) ?? 0) < 0.5,
  };
}

/**
 * The picture as an image of the dataset, in bytes.
 *
 * As LeCun, Cortes and Burges describe MNIST (yann.lecun.com/exdb/mnist): what is drawn is scaled to the dataset's box
 * with its aspect ratio kept, which leaves grey levels, and its centre of mass is put at the centre of the field. The
 * border of the picture decides what is background, and so whether the picture is dark on bright. A picture that has the
 * dataset's size and is laid out like its images is not changed.
 *
 * @returns undefined when the picture is blank
 */
export function toModelImage(image: GreyImage, layout: ImageLayout): Uint8Array | undefined {
  const drawn = look(image);
  if (drawn === undefined) return undefined;
  const { ink, box, background } = drawn;
  const { width, height, darkBackground } = layout;
  const sameSize = image.width === width && image.height === height;
  const scaled =
    sameSize && Math.abs(longerSide(box) - layout.box) <= boxTolerance ? ink : scaleToBox(ink, box, layout);
  const shift = shiftToCentre(scaled, layout);
  if (scaled === ink && shift.across === 0 && shift.down === 0 && background < 0.5 === darkBackground) {
    return toBytes(image.values);
  }
  const field = moved(scaled, shift, layout);
  return toBytes(darkBackground ? field : field.map((value) => 1 - value));
}

interface Drawn {
  readonly background: number;
  readonly ink: GreyImage;
  readonly box: Box;
}

/** @returns undefined when there is nothing on the picture */
function look(image: GreyImage): Drawn | undefined {
  const background = borderBrightness(image);
  const ink = toInk(image, background);
  const box = ink && boundingBox(ink);
  return ink === undefined || box === undefined ? undefined : { background, ink, box };
}

function scaleToBox(ink: GreyImage, box: Box, layout: ImageLayout): GreyImage {
  const scale = Math.min(layout.box / longerSide(box), layout.width / box.width, layout.height / box.height);
  const width = Math.max(1, Math.round(box.width * scale));
  const height = Math.max(1, Math.round(box.height * scale));
  return resampleByArea(ink, box, width, height);
}

function longerSide({ width, height }: Box): number {
  return Math.max(width, height);
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** The median along the edge, so that a stroke that leaves the picture does not decide what is background. */
function borderBrightness({ width, height, values }: GreyImage): number {
  const firstRow = values.subarray(0, width);
  const lastRow = values.subarray((height - 1) * width);
  const sides = Array.from({ length: height }, (_, row) => [values[row * width], values[(row + 1) * width - 1]]);
  const border = [...firstRow, ...lastRow, ...sides.flat()].filter((value) => value !== undefined);
  return median(border) ?? 0;
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

interface Shift {
  readonly across: number;
  readonly down: number;
}

/**
 * The shift that puts the centre of mass within the pixel that begins at the centre of the field, in both directions, as
 * in every image of MNIST's test set. It is by whole pixels, which does not blur, and never moves the box out of the field.
 */
function shiftToCentre(ink: GreyImage, field: Pick<ImageLayout, 'width' | 'height'>): Shift {
  let [mass, acrossSum, downSum] = [0, 0, 0];
  for (const [index, value] of ink.values.entries()) {
    mass += value;
    acrossSum += value * ((index % ink.width) + 0.5);
    downSum += value * (Math.floor(index / ink.width) + 0.5);
  }
  const box = boundingBox(ink) ?? { left: 0, top: 0, width: ink.width, height: ink.height };
  return {
    across: within(-box.left, Math.ceil(field.width / 2 - acrossSum / mass), field.width - box.left - box.width),
    down: within(-box.top, Math.ceil(field.height / 2 - downSum / mass), field.height - box.top - box.height),
  };
}

function within(least: number, value: number, most: number): number {
  return Math.max(least, Math.min(value, most));
}

function moved(ink: GreyImage, { across, down }: Shift, { width, height }: ImageLayout): Float32Array {
  const field = new Float32Array(width * height);
  for (const [index, value] of ink.values.entries()) {
    const column = across + (index % ink.width);
    const row = down + Math.floor(index / ink.width);
    if (column >= 0 && column < width && row >= 0 && row < height) field[row * width + column] = value;
  }
  return field;
}

function toBytes(values: Float32Array): Uint8Array {
  return Uint8Array.from(values, (value) => Math.round(Math.min(1, Math.max(0, value)) * 255));
}
