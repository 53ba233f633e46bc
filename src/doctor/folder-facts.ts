/** Whether runs can be written, tried for real: permissions alone do not tell of a read-only or full disk. */
import { existsSync, mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { messageOf } from '../shared/core/errors.ts';

export interface FolderFacts {
  /** As it was given. */
  readonly folder: string;
  /** Where it would be made, if it is not there yet. */
  readonly existing: string;
  readonly freeBytes?: number;
  /** Why nothing can be written there. */
  readonly problem?: string;
}

/** Leaves nothing behind. */
export function gatherFolder(folder: string): FolderFacts {
  const existing = nearestExisting(resolve(folder));
  try {
    if (!statSync(existing).isDirectory()) return { folder, existing, problem: `${existing} is not a folder` };
    const trial = mkdtempSync(join(existing, '.pennygrad-doctor-'));
    try {
      writeFileSync(join(trial, 'file'), 'written to see whether it can be');
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
