/**
 * Files that are put in place whole or not at all, whatever happens meanwhile: they are written under another
 * name, synced, and renamed. Without the first sync a power failure could leave an empty file under the final name,
 * without the second one the old name.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

type Content = string | Uint8Array;

/** What drafts are called, so that whoever comes next knows them from the user's own files. */
const draftName = /^\.?.+\.\d+-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

/** What this version calls the draft of a file or folder. */
const draftOfName = /^\.(?<name>.+)\.\d+-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

/** A draft of this age has lost its writer, in folders that several processes may write. */
const staleDraftMs = 3_600_000;

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
 * Removes the drafts of killed writers, files and folders of any age, from a folder that nobody else writes. What cannot be
 * removed is left.
 * @param folder may be missing
 */
export function removeDrafts(folder: string): void {
  for (const name of namesIn(folder).filter(isDraftName)) {
    bestEffort(() => rmSync(join(folder, name), { recursive: true, force: true }));
  }
}

/**
 * Removes the drafts of files whose writers were killed from a folder that others may write, other users among them. So
 * only files go, and of them only those that are old and whose names say that they were drafts of files written here. What
 * cannot be removed is left: it may be another user's.
 * @param folder may be missing
 * @param isWrittenHere by the name of a file
 */
export function removeStaleFileDrafts(folder: string, isWrittenHere: (name: string) => boolean): void {
  for (const draft of namesIn(folder)) {
    const name = draftOfName.exec(draft)?.groups?.name;
    if (name === undefined || !isWrittenHere(name)) continue;
    bestEffort(() => {
      const path = join(folder, draft);
      const stats = lstatSync(path);
      if (stats.isFile() && Date.now() - stats.mtimeMs >= staleDraftMs) unlinkSync(path);
    });
  }
}

function namesIn(folder: string): readonly string[] {
  return bestEffort(() => readdirSync(folder)) ?? [];
}

/** Tidying up is no reason to stop whoever does it. @returns undefined where the system refuses */
export function bestEffort<Value>(act: () => Value): Value | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}

/** The name of a draft that nobody else has. */
export function draftOf(path: string): string {
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
