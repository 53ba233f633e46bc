/** Reads four IDX files from a folder that the user has named. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { badInput, messageOf } from '../core/errors.ts';
import { readFileHead } from '../files/bounded-file.ts';
import { type HashedBytes, headOf, largestArchive, readHashed, uncompressed } from './hashed-bytes.ts';
import { announcedBytes, idxHeaderBytes, largestIdxHeader } from './idx.ts';
import { type IdxFileName, idxFileNames, type PerIdxFile, spellingsOf } from './idx-files.ts';

/** The largest content of a file. An IDX header can announce far more than fits in memory. */
const maxContentBytes = 2 ** 31 - 1;

/** How much of a file is read to find its header: an archive may begin with a name and a comment. */
const headBytes = 64 << 10;

/**
 * Finds the four files, gzipped or not.
 * @returns their paths
 * @throws PennygradError `bad-input` if the folder or a file is missing
 */
export async function findFiles(folder: string): Promise<PerIdxFile<string>> {
  const present = await namesIn(folder);
  const pathOf = (name: IdxFileName) => {
    const found = spellingsOf(name).find((spelling) => present.has(spelling));
    if (found === undefined)
      throw badInput(`folder ${folder}: lacks ${name}; looked for ${listing(spellingsOf(name))}`);
    return join(folder, found);
  };
  return Object.fromEntries(idxFileNames.map((name) => [name, pathOf(name)])) as PerIdxFile<string>;
}

/**
 * Reads and unpacks an IDX file, of which no more is taken than its header announces.
 * @throws PennygradError `bad-input` if it cannot be read, is not IDX, or is larger than its header or `maxContentBytes`
 */
export async function readIdxFile(path: string): Promise<HashedBytes> {
  const start = readFileHead(path, headBytes);
  const head = await headOf(start, largestIdxHeader);
  // An archive that is broken from the start has no header; unpacking it says what is wrong.
  const announced = head.length < idxHeaderBytes(1) ? largestIdxHeader : announcedBytes(head, path);
  if (announced > maxContentBytes) {
    throw badInput(
      `${path}: oversized: its header promises ${announced} bytes; expected at most ${maxContentBytes} bytes`,
    );
  }
  return uncompressed(await readHashed(path, largestArchive(announced)), announced);
}

async function namesIn(folder: string): Promise<ReadonlySet<string>> {
  try {
    return new Set(await readdir(folder));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const reason = code === 'ENOENT' ? 'does not exist' : code === 'ENOTDIR' ? 'is not a folder' : messageOf(error);
    throw badInput(`folder ${folder}: ${reason}; expected a folder with ${listing(idxFileNames)}`, error);
  }
}

function listing(names: readonly string[]): string {
  return names.join(', ');
}
