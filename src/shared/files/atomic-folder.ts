/**
 * Folders that are put in place whole or not at all, while this thread does something else: large files take a while to
 * write, and a disk takes longer still to say that it has them.
 */
import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from '../core/errors.ts';
import { draftOf } from './atomic-files.ts';
import { digestsFile, renderDigests } from './digests.ts';

/** A file's content, in parts that follow each other. */
export type Parts = readonly Uint8Array[];

/** SHA-256 of a piece takes half a millisecond of this thread, in which it does nothing else. */
const pieceBytes = 2 ** 18;

/**
 * Writes a folder with these files, by name, and with their digests in `SHA256SUMS`, whole or not at all. An older folder
 * of the same name is removed first. The files may not change until they are written.
 * @throws what the system says, once the draft is removed
 */
export async function writeFolderAtomically(folder: string, files: Readonly<Record<string, Parts>>): Promise<void> {
  const draft = draftOf(folder);
  try {
    await mkdir(draft);
    const digests = new Map<string, string>();
    for (const [name, parts] of Object.entries(files)) digests.set(name, await writeSynced(join(draft, name), parts));
    await writeSynced(join(draft, digestsFile), [Buffer.from(renderDigests(digests))]);
    await syncFolder(draft);
    await rm(folder, { recursive: true, force: true });
    await rename(draft, folder);
    await syncFolder(dirname(folder));
  } catch (error) {
    // If the draft stays, whoever opens the folder next removes it.
    await rm(draft, { recursive: true, force: true }).catch(() => {});
    throw error;
  }
}

/** Resolves when what was written to a file is on the disk. */
export async function syncInBackground(file: string): Promise<void> {
  await synced(await open(file, 'r+'));
}

/** @returns the SHA-256 of the content */
async function writeSynced(path: string, parts: Parts): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path, 'wx');
  try {
    await writeFile(file, piecesOf(parts, hash));
    await file.sync();
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

function* piecesOf(parts: Parts, hash: Hash): Generator<Uint8Array> {
  for (const part of parts) {
    for (let from = 0; from < part.byteLength; from += pieceBytes) {
      const piece = part.subarray(from, from + pieceBytes);
      hash.update(piece);
      yield piece;
    }
  }
}

async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders; its file system keeps the order of renames by itself.
  if (process.platform !== 'win32') await synced(await open(folder, 'r'));
}

async function synced(file: FileHandle): Promise<void> {
  try {
    await file.sync();
  } catch (error) {
    // Some network file systems cannot sync a folder. Then they decide when a rename is on the disk.
    if (!['EINVAL', 'ENOTSUP'].includes(codeOf(error))) throw error;
  } finally {
    await file.close();
  }
}
