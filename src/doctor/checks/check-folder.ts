import type { FolderFacts } from '../facts/folder-facts.ts';
import { formatBytes } from '../format-bytes.ts';
import type { Check } from './check.ts';

/** More than two checkpoints of the CNN and the records of its steps. */
const leastBytes = 20e6;
const comfortableBytes = 200e6;

export function checkFolder({ folder, freeBytes, problem }: FolderFacts): Check {
  const name = 'runs';
  if (problem !== undefined || freeBytes === undefined) {
    return {
      name,
      status: 'fail',
      line: `${folder} cannot be written: ${problem}`,
      remedy: 'run pennygrad in a folder that you can write to, or choose one with --out',
    };
  }
  const line = `${folder}: writable, ${formatBytes(freeBytes)} free`;
  if (freeBytes >= comfortableBytes) return { name, status: 'ok', line };
  return {
    name,
    status: freeBytes < leastBytes ? 'fail' : 'warn',
    line,
    remedy: 'free some space, or choose a folder on another disk with --out',
  };
}
