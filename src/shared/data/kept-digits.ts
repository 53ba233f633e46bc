/**
 * The standard set of drawn digits, kept in the user's cache like a download: to draw it takes twenty times as long as to read it,
 * and each worker of a run needs it. What is read is known by its SHA-256, so it is the same as what is drawn.
 */
import { join } from 'node:path';
import { bestEffort, removeStaleFileDrafts, writeFileAtomically } from '../files/atomic-files.ts';
import { makeFolder } from '../files/make-folder.ts';
import type { Dataset } from './dataset.ts';
import { assembleDigits, digitsName, drawDigits } from './digits.ts';
import { type HashedBytes, readHashed } from './hashed-bytes.ts';
import { idxFileNames, type PerIdxFile } from './idx-files.ts';

/** SHA-256 of the files of the standard set. */
const sums: PerIdxFile<string> = {
  'train-images-idx3-ubyte': '1336d0e50bde5feef7b96b36bab16d45b44f4576adcd163b272713b2e4eba99b',
  'train-labels-idx1-ubyte': '2a4fb3eec0877aa3d4ab80d8f59374733af9b2b2966e8be0e50efe715f443a4d',
  't10k-images-idx3-ubyte': '897125dcafc78562ae20400e1f1e29acd18092f0ee30e5d8030ee36d2bbf9884',
  't10k-labels-idx1-ubyte': 'e026daf3d28b630d395bff264d45247706f43ecba7d4f48422cba6b6a30e22d3',
};

/** Training images have 7.5 MiB. */
const largestFile = 8 << 20;

/**
 * Reads the set, or draws it and keeps it. A cache that cannot be read or written makes no difference but for the time.
 * @param cache the folder of the cache; the set is in a subfolder
 */
export async function loadDigits(cache: string): Promise<Dataset> {
  const folder = join(cache, digitsName);
  const kept = await readKept(folder);
  if (kept !== undefined) return assembleDigits(kept);
  const drawn = drawDigits();
  bestEffort(() => keep(folder, drawn));
  return assembleDigits(drawn);
}

/** @returns undefined unless all of it is there, and right */
async function readKept(folder: string): Promise<PerIdxFile<HashedBytes> | undefined> {
  try {
    const files = await Promise.all(
      idxFileNames.map(async (name) => [name, await readHashed(join(folder, name), largestFile)] as const),
    );
    if (files.some(([name, { sha256 }]) => sha256 !== sums[name])) return undefined;
    return Object.fromEntries(files) as PerIdxFile<HashedBytes>;
  } catch {
    return undefined;
  }
}

function keep(folder: string, files: PerIdxFile<HashedBytes>): void {
  makeFolder(folder);
  removeStaleFileDrafts(folder, (name) => name in files);
  for (const name of idxFileNames) writeFileAtomically(join(folder, name), files[name].bytes);
}
