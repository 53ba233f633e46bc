import { convertIndexedToRgb, type DecodedPng, decode } from 'fast-png';
import { badInput, messageOf } from '../../shared/core/errors.ts';
import type { GreyImage } from './model-image.ts';
import { pixelsOnly, readPngLayout } from './png-layout.ts';

/**
 * Decodes a PNG of any colour type and depth to brightness. Transparent parts count as white paper.
 *
 * @param file named in errors
 * @throws bad-input naming the file and what is wrong with it
 */
export function decodePng(bytes: Uint8Array, file: string): GreyImage {
  const layout = readPngLayout(bytes, file);
  // fast-png reads each pixel of an interlaced image as whole bytes.
  if (layout.interlaced && layout.depth < 8) {
    throw badInput(
      `${file}: interlaced with fewer than 8 bits a channel, which cannot be read; save it without interlacing`,
    );
  }
  const pixels = pixelsOnly(bytes, layout, file);
  try {
    return toGrey(decode(pixels, { checkCrc: true }));
  } catch (error) {
    throw badInput(`${file}: a broken PNG (${messageOf(error)}); save it again`, error);
  }
}

function toGrey(png: DecodedPng): GreyImage {
  const { width, height } = png;
  const { samples, channels, max } = unpack(png);
  const values = new Float32Array(width * height);
  const hasAlpha = channels === 2 || channels === 4;
  const key = png.palette === undefined ? png.transparency : undefined;
  for (let pixel = 0; pixel < values.length; pixel++) {
    const at = pixel * channels;
    const first = samples[at] ?? 0;
    // Luma of ITU-R BT.601, as in Pillow's and ImageMagick's conversion to grey.
    const grey = channels < 3 ? first : 0.299 * first + 0.587 * (samples[at + 1] ?? 0) + 0.114 * (samples[at + 2] ?? 0);
    const keyedOut = key !== undefined && key.length > 0 && key.every((value, index) => value === samples[at + index]);
    const alpha = keyedOut ? 0 : hasAlpha ? (samples[at + channels - 1] ?? 0) / max : 1;
    values[pixel] = (grey / max) * alpha + 1 - alpha;
  }
  return { width, height, values };
}

interface Samples {
  readonly samples: ArrayLike<number>;
  readonly channels: number;
  /** The value of full brightness. */
  readonly max: number;
}

/** Unpacks to one array element per sample, for any palette and any number of bits per sample. */
function unpack(png: DecodedPng): Samples {
  const { data, channels, depth, palette, width, height } = png;
  if (palette !== undefined) {
    return { samples: convertIndexedToRgb(png), channels: palette[0]?.length ?? 3, max: 255 };
  }
  const max = 2 ** depth - 1;
  if (depth >= 8) return { samples: data, channels, max };
  // Only grey images have fewer than 8 bits: several samples share a byte, the first in the high bits, and each row begins a byte.
  const samples = new Uint8Array(width * height);
  const perByte = 8 / depth;
  const bytesPerRow = Math.ceil(width / perByte);
  for (let pixel = 0; pixel < samples.length; pixel++) {
    const column = pixel % width;
    const byte = data[Math.floor(pixel / width) * bytesPerRow + Math.floor(column / perByte)] ?? 0;
    samples[pixel] = (byte >> (8 - depth * ((column % perByte) + 1))) & max;
  }
  return { samples, channels, max };
}
