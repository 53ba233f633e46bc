import { readFile } from 'node:fs/promises';
import { badInput, messageOf } from '../../shared/core/errors.ts';
import { toMnistImage } from './mnist-image.ts';
import { decodePng } from './png-image.ts';

/**
 * Reads a picture of a digit, of any size, dark on bright or bright on dark, as a 28 × 28 image in the style of MNIST.
 *
 * @returns 784 bytes, row-major, 0 (background) to 255
 * @throws bad-input naming the file when it cannot be read, is not a PNG, is broken or is blank
 */
export async function readImageInput(file: string): Promise<Uint8Array> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw badInput(`${file}: cannot be read (${messageOf(error).split(',')[0]})`, error);
  });
  const image = toMnistImage(decodePng(bytes, file));
  if (image === undefined)
    throw badInput(`${file}: the image is blank; draw a digit that stands out from the background`);
  return image;
}
