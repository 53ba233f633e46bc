import { badInput } from '../../shared/core/errors.ts';
import { readBoundedFile, readFileHead } from '../../shared/files/bounded-file.ts';
import { toMnistImage } from './mnist-image.ts';
import { decodePng } from './png-image.ts';
import { largestPngBytes, pngHeadBytes, readPngLayout } from './png-layout.ts';

/**
 * Reads a picture of a digit, of any size, dark on bright or bright on dark, as a 28 × 28 image in the style of MNIST.
 *
 * @returns 784 bytes, row-major, 0 (background) to 255
 * @throws bad-input naming the file when it cannot be read, is not a PNG, is broken or is blank
 */
export async function readImageInput(file: string): Promise<Uint8Array> {
  const layout = readPngLayout(readFileHead(file, pngHeadBytes), file);
  const bytes = readBoundedFile(file, largestPngBytes(layout));
  const image = toMnistImage(decodePng(bytes, file));
  if (image === undefined)
    throw badInput(`${file}: the image is blank; draw a digit that stands out from the background`);
  return image;
}
