import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type ReadText, readCgroupLimits } from './cgroup-limits.ts';

/**
 * How many cores this process can keep busy, for example 1.5: those that it may run on, by its affinity or a container's
 * cpuset, and no more than its control group's quota pays for (`docker run --cpus 1.5`).
 */
export function usableCores(parallelism: number = availableParallelism(), read: ReadText = readIfThere): number {
  return Math.min(parallelism, readCgroupLimits(read)?.cpus ?? parallelism);
}

/** The text of a file, for `readCgroupLimits`. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
