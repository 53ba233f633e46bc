/** How far two files that began as one have gone apart. */
import { openBoundedFile } from '../shared/files/bounded-file.ts';

const pieceBytes = 256 * 1024;
const newline = 0x0a;

/**
 * Counts the whole lines of a file that another one, of which it is a copy, does not have: from the first byte in which they
 * differ on. There are none if one is the beginning of the other, and the other is longer.
 * @throws as `openBoundedFile`
 */
export async function countDivergedLines(copy: string, original: string): Promise<number> {
  const [{ file: ours }, { file: theirs }] = [
    await openBoundedFile(copy, Number.POSITIVE_INFINITY),
    await openBoundedFile(original, Number.POSITIVE_INFINITY),
  ];
  try {
    const [piece, other] = [Buffer.alloc(pieceBytes), Buffer.alloc(pieceBytes)];
    let count = 0;
    let differs = false;
    for (let position = 0; ; ) {
      const { bytesRead } = await ours.read(piece, 0, pieceBytes, position);
      if (bytesRead === 0) return count;
      const { bytesRead: otherRead } = await theirs.read(other, 0, pieceBytes, position);
      const from: number = differs ? 0 : firstDifference(piece.subarray(0, bytesRead), other.subarray(0, otherRead));
      position += bytesRead;
      differs ||= from < bytesRead;
      for (let end = piece.indexOf(newline, from); end >= 0 && end < bytesRead; end = piece.indexOf(newline, end + 1)) {
        count += 1;
      }
    }
  } finally {
    await ours.close();
    await theirs.close();
  }
}

/** @returns the length of `a` if `b` begins with it */
function firstDifference(a: Buffer, b: Buffer): number {
  if (a.equals(b.subarray(0, a.length))) return a.length;
  const index = a.findIndex((byte, at) => byte !== b[at]);
  return index < 0 ? a.length : index;
}
