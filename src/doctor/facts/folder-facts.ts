/** Tries to write to the runs folder, because permissions do not reveal a read-only or full disk. */
import { existsSync, mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { messageOf } from '../../shared/core/errors.ts';

export interface FolderFacts {
  /** As the user gave it. */
  readonly folder: string;
  /** The folder, or if it does not exist its nearest existing parent. */
  readonly existing: string;
  readonly freeBytes?: number;
  /** Why it cannot be written. */
  readonly problem?: string;
}

/** Removes what it writes. */
export function gatherFolder(folder: string): FolderFacts {
  const existing = nearestExisting(resolve(folder));
  try {
    if (!statSync(existing).isDirectory()) return { folder, existing, problem: `${existing} is not a folder` };
    const trial = mkdtempSync(join(existing, '.pennygrad-doctor-'));
    try {
      writeFileSync(join(trial, 'file'), 'written by pennygrad doctor as a test');
    } finally {
      rmSync(trial, { recursive: true, force: true });
    }
    const { bavail, bsize } = statfsSync(existing);
    return { folder, existing, freeBytes: bavail * bsize };
  } catch (error) {
    return { folder, existing, problem: messageOf(error) };
  }
}

function nearestExisting(path: string): string {
  const parent = dirname(path);
  return parent === path || existsSync(path) ? path : nearestExisting(parent);
}
