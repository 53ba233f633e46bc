/** What the header of a PNG says about its size, and the chunks that its pixels are made of. */
import { inflateSync } from 'node:zlib';
import { hasPngSignature } from 'fast-png';
import { badInput, messageOf } from '../../shared/core/errors.ts';

export interface PngLayout {
  readonly width: number;
  readonly height: number;
  readonly interlaced: boolean;
  /** Bits of each sample. */
  readonly depth: number;
  /** The size of the uncompressed image data. */
  readonly dataBytes: number;
}

/** Decoding larger pictures would take more than a GB of memory; a photo has some 12 million pixels. */
export const mostPixels = 50_000_000;

/** Offsets in the file of the fields of IHDR, the first chunk of a PNG. */
const widthAt = 16;
const heightAt = 20;
const depthAt = 24;
const colourTypeAt = 25;
const interlaceAt = 28;
/** The size of a file's signature and IHDR. */
export const pngHeadBytes = 33;
const signatureBytes = 8;

/** Samples of a pixel, by colour type; a palette's index is one. */
const samplesOf: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** Where the seven passes of an interlaced image begin, and their steps: x, y, across, down. */
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/**
 * @param head the file, or its first `pngHeadBytes`
 * @throws bad-input naming the file if it is not a PNG, or its image has no pixels, or too many
 */
export function readPngLayout(head: Uint8Array, file: string): PngLayout {
  if (!hasPngSignature(head)) throw badInput(`${file}: not a PNG; convert the image to PNG first`);
  if (head.length < pngHeadBytes) throw badInput(`${file}: a broken PNG (it ends within its header); save it again`);
  const view = new DataView(head.buffer, head.byteOffset, pngHeadBytes);
  const width = view.getUint32(widthAt);
  const height = view.getUint32(heightAt);
  if (width === 0 || height === 0) throw badInput(`${file}: the image has no pixels (${width} × ${height})`);
  if (width * height > mostPixels) {
    throw badInput(`${file}: ${width} × ${height} pixels are too many, at most ${mostPixels}; scale it down`);
  }
  const depth = view.getUint8(depthAt);
  const bits = depth * (samplesOf[view.getUint8(colourTypeAt)] ?? 4);
  const interlaced = view.getUint8(interlaceAt) !== 0;
  const passes = interlaced ? adam7 : ([[0, 0, 1, 1]] as const);
  const dataBytes = passes.reduce((sum, [x, y, across, down]) => {
    const columns = Math.max(0, Math.ceil((width - x) / across));
    const rows = Math.max(0, Math.ceil((height - y) / down));
    // Each row begins with a byte that names its filter.
    return sum + (columns === 0 ? 0 : rows * (1 + Math.ceil((columns * bits) / 8)));
  }, 0);
  return { width, height, interlaced, depth, dataBytes };
}

/** The largest file that is read: twice its image data, which deflate cannot make larger, and 16 MiB of other chunks. */
export function largestPngBytes({ dataBytes }: PngLayout): number {
  return 2 * dataBytes + (16 << 20);
}

/** The chunks that pixels are made of. Others may be packed too, and would be unpacked without a limit. */
const pixelChunks: readonly string[] = ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'];

/**
 * The same picture with no chunks but those of its pixels.
 * @throws bad-input naming the file if a chunk is cut off, or if the image data is larger than the header says
 */
export function pixelsOnly(png: Uint8Array, { dataBytes, width, height }: PngLayout, file: string): Uint8Array {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const kept = [png.subarray(0, signatureBytes)];
  const data: Uint8Array[] = [];
  for (let at = signatureBytes, ended = false; !ended; ) {
    if (at + 12 > png.length) throw badInput(`${file}: a broken PNG (it ends before its last chunk); save it again`);
    const length = view.getUint32(at);
    const type = Buffer.from(png.subarray(at + 4, at + 8)).toString('latin1');
    const end = at + 12 + length;
    if (end > png.length) throw badInput(`${file}: a broken PNG (it ends within a chunk); save it again`);
    if (pixelChunks.includes(type)) kept.push(png.subarray(at, end));
    if (type === 'IDAT') data.push(png.subarray(at + 8, end - 4));
    ended = type === 'IEND';
    at = end;
  }
  try {
    inflateSync(Buffer.concat(data), { maxOutputLength: dataBytes });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') {
      throw badInput(
        `${file}: oversized: ${width} × ${height} pixels are ${dataBytes} bytes, and it holds more; save it again`,
        error,
      );
    }
    throw badInput(`${file}: a broken PNG (${messageOf(error)}); save it again`, error);
  }
  return Buffer.concat(kept);
}
