/**
 * The user's cache of downloads: `FOLDER/DATASET/NAME.gz`. Files are kept exactly as the mirror sent them, so that they
 * are verified like new ones. Processes can share the cache: files are put in place by a rename, so they are always
 * complete, and whichever process renames last stores the same verified content.
 */
import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { badInput, messageOf, PennygradError } from '../core/errors.ts';
import { removeStaleFileDrafts, writeFileAtomically } from '../files/atomic-files.ts';
import { makeFolder } from '../files/make-folder.ts';
import { maxArchiveBytes, type PublishedFile } from './catalog.ts';
import { type HashedBytes, isGzip, readHashed } from './hashed-bytes.ts';
import type { Source } from './source.ts';

export interface Cache extends Source {
  /** Keeps a verified file. Warns if the cache cannot be written. */
  store(file: PublishedFile, bytes: HashedBytes): Promise<void>;
}

/** Where the cache keeps a file. */
export function cachedPath(folder: string, file: PublishedFile): string {
  return join(folder, file.dataset, `${file.name}.gz`);
}

/** @param warn called with a line for the user, for example about a corrupt file */
export function openCache(folder: string, warn: (line: string) => void): Cache {
  const pathOf = (file: PublishedFile) => cachedPath(folder, file);

  async function discard(file: PublishedFile, reason: string): Promise<void> {
    warn(`${reason}; removed from the cache`);
    await rm(pathOf(file), { force: true }).catch((error) =>
      warn(`${pathOf(file)} cannot be removed: ${messageOf(error)}`),
    );
  }

  return {
    description: `cache ${folder}`,
    async read(file) {
      try {
        return await readHashed(pathOf(file), maxArchiveBytes(file));
      } catch (error) {
        // With a cause, the system refused to read the file. Without one, the file itself is wrong.
        if (error instanceof PennygradError && error.cause === undefined) await discard(file, error.message);
        throw error;
      }
    },
    rejected: discard,
    async store(file, { bytes, where }) {
      if (!isGzip(bytes)) throw badInput(`${where}: not gzipped; the cache only keeps gzip archives`);
      const path = pathOf(file);
      try {
        makeFolder(dirname(path));
        removeStaleFileDrafts(dirname(path), (name) => name === basename(path));
        writeFileAtomically(path, bytes);
      } catch (error) {
        warn(`${path} cannot be cached, so the next run will download it again: ${messageOf(error)}`);
      }
    },
  };
}
