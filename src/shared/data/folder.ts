/** Reads four IDX files from a folder that the user has named. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { badInput, messageOf } from '../core/errors.ts';
import { type HashedBytes, headOf, readHashed, uncompressed } from './hashed-bytes.ts';
import { announcedBytes, idxHeaderBytes, largestIdxHeader } from './idx.ts';
import { type IdxFileName, idxFileNames, type PerIdxFile, spellingsOf } from './idx-files.ts';

/** The largest size of a file. An IDX header can announce far more than fits in memory. */
const maxFolderFileBytes = 2 ** 31 - 1;

/**
 * Reads the four files as they are, gzipped or not.
 * @throws PennygradError `bad-input` if the folder or a file is missing or cannot be read
 */
export async function readFolder(folder: string): Promise<PerIdxFile<HashedBytes>> {
  const present = await namesIn(folder);
  const pathOf = (name: IdxFileName) => {
    const found = spellingsOf(name).find((spelling) => present.has(spelling));
    if (found === undefined)
      throw badInput(`folder ${folder}: lacks ${name}; looked for ${listing(spellingsOf(name))}`);
    return join(folder, found);
  };
  const paths = idxFileNames.map((name) => [name, pathOf(name)] as const);
  const files = await Promise.all(
    paths.map(async ([name, path]) => [name, await readHashed(path, maxFolderFileBytes)] as const),
  );
  return Object.fromEntries(files) as PerIdxFile<HashedBytes>;
}

/**
 * The content of a file, of which no more is unpacked than its header announces.
 * @throws PennygradError `bad-input` if it is not IDX, or larger than its header or `maxFolderFileBytes` say
 */
export async function unpackIdx(file: HashedBytes): Promise<HashedBytes> {
  const head = await headOf(file, largestIdxHeader);
  // An archive that is broken from the start has no header.
  const announced = head.length < idxHeaderBytes(1) ? largestIdxHeader : announcedBytes(head, file.where);
  if (announced > maxFolderFileBytes) {
    throw badInput(
      `${file.where}: oversized: its header promises ${announced} bytes; expected at most ${maxFolderFileBytes} bytes`,
    );
  }
  return uncompressed(file, announced);
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
