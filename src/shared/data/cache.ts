/**
 * The user's cache of downloads: `FOLDER/DATASET/NAME.gz`, each file exactly as the mirror sent it, so that a cached
 * file is verified in the same way as a fresh one. Many processes may use it at once: a file appears whole by a rename
 * or not at all, and whoever renames last puts the same verified content in place.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { badInput, messageOf, PennygradError } from '../core/errors.ts';
import { maxArchiveBytes, type PublishedFile } from './catalog.ts';
import { type HashedBytes, isGzip, readHashed } from './hashed-bytes.ts';
import type { Source } from './source.ts';

export interface Cache extends Source {
  /** Keeps a verified file. A cache that cannot be written is a warning, not an error. */
  store(file: PublishedFile, bytes: HashedBytes): Promise<void>;
}

/** Where the cache keeps a file. */
export function cachedPath(folder: string, file: PublishedFile): string {
  return join(folder, file.dataset, `${file.name}.gz`);
}

/** @param warn called with a line for the user: a corrupt file, a cache that cannot be written */
export function openCache(folder: string, warn: (line: string) => void): Cache {
  const pathOf = (file: PublishedFile) => cachedPath(folder, file);

  async function discard(file: PublishedFile, reason: string): Promise<void> {
    warn(`${reason}; removed from the cache`);
    await rm(pathOf(file), { force: true }).catch((error) => warn(`cannot be removed: ${messageOf(error)}`));
  }

  return {
    description: `cache ${folder}`,
    async read(file) {
      try {
        return await readHashed(pathOf(file), maxArchiveBytes(file));
      } catch (error) {
        // Without a cause it is the file that is wrong; with one, the system would not let it be read.
        if (error instanceof PennygradError && error.cause === undefined) await discard(file, error.message);
        throw error;
      }
    },
    rejected: discard,
    async store(file, { bytes, where }) {
      if (!isGzip(bytes)) throw badInput(`${where}: not gzipped; the cache keeps gzip archives only`);
      const path = pathOf(file);
      await writeAtomically(path, bytes).catch((error) => {
        warn(`${path}: not cached, so the next start downloads it again: ${messageOf(error)}`);
      });
    },
  };
}

/** Readers see the old file or the whole new one, also when this process dies half-way. */
async function writeAtomically(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}-${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      // Without this, a power cut after the rename could leave the name with no content.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
