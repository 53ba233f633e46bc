import { badInput } from '../../shared/core/errors.ts';
import { readBoundedFile, readFileHead } from '../../shared/files/bounded-file.ts';
import { type ImageLayout, toModelImage } from './model-image.ts';
import { decodePng } from './png-image.ts';
import { largestPngBytes, pngHeadBytes, readPngLayout } from './png-layout.ts';

/**
 * Reads a picture of any size, dark on bright or bright on dark, as an image like those that the model was trained on.
 *
 * @returns `height × width` bytes of the layout, row-major
 * @throws bad-input naming the file when it cannot be read, is not a PNG, is broken or is blank
 */
export async function readImageInput(file: string, layout: ImageLayout): Promise<Uint8Array> {
  const header = readPngLayout(readFileHead(file, pngHeadBytes), file);
  const bytes = readBoundedFile(file, largestPngBytes(header));
  const image = toModelImage(decodePng(bytes, file), layout);
  if (image === undefined)
    throw badInput(`${file}: the image is blank; draw something that stands out from the background`);
  return image;
}
