import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf } from '../core/errors.ts';

/**
 * Makes a folder, and those above it that are missing. Node's own `mkdir` with `recursive` never returns where the system
 * makes no folders in one that exists: in /proc, or in a working directory that was deleted.
 *
 * @returns the folders that were made, the outermost first
 * @throws the system's error for the folder that could not be made
 */
export function makeFolder(path: string): readonly string[] {
  const missing: string[] = [];
  const made: string[] = [];
  let folder = path;
  for (;;) {
    try {
      if (makeOne(folder)) made.push(folder);
      break;
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || dirname(folder) === folder) throw error;
      missing.push(folder);
      folder = dirname(folder);
    }
  }
  for (const inner of missing.toReversed()) if (makeOne(inner)) made.push(inner);
  return made;
}

/** @returns false if the folder exists, perhaps because another process has just made it */
function makeOne(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    // Some systems refuse to make a folder on a read-only disk, or `/`, before they see that it exists.
    if (!['EEXIST', 'EROFS', 'EPERM', 'EISDIR', 'EACCES'].includes(codeOf(error)) || !isFolder(folder)) throw error;
    return false;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
