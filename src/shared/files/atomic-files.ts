/**
 * Files and folders that are put in place whole or not at all, whatever happens meanwhile: they are written under another
 * name, synced, and renamed. Without the first sync a power failure could leave an empty file under the final name,
 * without the second one the old name.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

type Content = string | Uint8Array;

/** What drafts are called, so that whoever comes next knows them from the user's own files. */
const draftName = /^\.?.+\.\d+-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

/** A draft of this age has lost its writer, in folders that several processes may write. */
export const staleDraftMs = 3_600_000;

/** Whether a name in a folder is that of a draft. */
export function isDraftName(name: string): boolean {
  return draftName.test(name);
}

/** Writes a file whole or not at all; an older one of the same name is replaced. @throws what the system says */
export function writeFileAtomically(file: string, content: Content): void {
  const draft = draftOf(file);
  try {
    writeSynced(draft, content);
    renameSynced(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** Writes a folder with these files, by name, whole or not at all; an older folder of the same name is removed first. */
export function writeFolderAtomically(folder: string, files: Readonly<Record<string, Content>>): void {
  const draft = draftOf(folder);
  try {
    mkdirSync(draft);
    for (const [name, content] of Object.entries(files)) writeSynced(join(draft, name), content);
    syncFolder(draft);
    rmSync(folder, { recursive: true, force: true });
    renameSynced(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw error;
  }
}

/** Renames a file or folder whose content is on the disk already. */
export function renameSynced(from: string, to: string): void {
  renameSync(from, to);
  syncFolder(dirname(to));
}

/** Waits until what was written to a file is on the disk. */
export function syncFile(file: string): void {
  synced(openSync(file, 'r+'));
}

/**
 * Removes the drafts of writers that were killed. Drafts that are younger than `olderThanMs` may belong to a writer that is
 * still at work.
 * @param folder may be missing
 */
export function removeDrafts(folder: string, olderThanMs: number): void {
  for (const name of existsSync(folder) ? readdirSync(folder).filter(isDraftName) : []) {
    const draft = join(folder, name);
    const age = Date.now() - (statSync(draft, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    if (age >= olderThanMs) rmSync(draft, { recursive: true, force: true });
  }
}

function draftOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}-${randomUUID()}.tmp`);
}

function writeSynced(file: string, content: Content): void {
  const descriptor = openSync(file, 'wx');
  try {
    writeFileSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function syncFolder(folder: string): void {
  // Windows opens no folders; its file system keeps the order of renames by itself.
  if (process.platform !== 'win32') synced(openSync(folder, 'r'));
}

function synced(descriptor: number): void {
  try {
    fsyncSync(descriptor);
  } catch (error) {
    // Some network file systems cannot sync a folder. Then they decide when a rename is on the disk.
    if (!['EINVAL', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    closeSync(descriptor);
  }
}
