/** Reads text files of any size, a piece at a time. */
import { openBoundedFile } from './bounded-file.ts';

const pieceBytes = 256 * 1024;
const newline = 0x0a;

/**
 * Calls back for every line that ends in a newline, in order. What follows the last newline was cut off, and is left out.
 * @param longest in bytes; of a longer line nothing is kept, and `text` is undefined
 * @param onLine `number` counts from 1
 * @throws as `readBoundedFile`, but at no size
 */
export async function forEachLine(
  path: string,
  longest: number,
  onLine: (text: string | undefined, number: number) => void,
): Promise<void> {
  const { file } = await openBoundedFile(path, Number.POSITIVE_INFINITY);
  try {
    const piece = Buffer.allocUnsafe(pieceBytes);
    let begun: Buffer[] = [];
    let begunBytes = 0;
    let number = 0;
    const take = (part: Buffer) => {
      begunBytes += part.length;
      if (begunBytes <= longest) begun.push(part);
      else begun = [];
    };
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, pieceBytes);
      if (bytesRead === 0) return;
      const read = piece.subarray(0, bytesRead);
      let from = 0;
      for (let end = read.indexOf(newline); end >= 0; end = read.indexOf(newline, from)) {
        take(read.subarray(from, end));
        number += 1;
        onLine(begunBytes > longest ? undefined : Buffer.concat(begun).toString('utf8'), number);
        begun = [];
        begunBytes = 0;
        from = end + 1;
      }
      // The piece is read over.
      if (from < bytesRead) take(Buffer.from(read.subarray(from)));
    }
  } finally {
    await file.close();
  }
}
