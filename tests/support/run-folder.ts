/** Reads what a run left, with nothing of the code under test but the published schema. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Summary, summarySchema } from '../../src/economics/record/summary.ts';

export function readSummary(folder: string): Summary {
  return summarySchema.parse(JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8')));
}

/** The newest checkpoint's folder. */
export function lastCheckpoint(folder: string): string {
  const names = readdirSync(join(folder, 'checkpoints')).filter((name) => name.startsWith('step-'));
  const newest = names.sort((a, b) => Number(a.slice(5)) - Number(b.slice(5))).at(-1);
  if (newest === undefined) throw new Error(`no checkpoint in ${folder}`);
  return join(folder, 'checkpoints', newest);
}

/** All parameters of the newest checkpoint, in the order of its weights.bin. */
export function lastParameters(folder: string): Float32Array {
  const bytes = readFileSync(join(lastCheckpoint(folder), 'weights.bin'));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** The lines so far: one that is still being written has no end yet. */
export function readJsonLines(file: string): Record<string, unknown>[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The largest absolute difference of two vectors. */
export function maxDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((max, value, i) => Math.max(max, Math.abs(value - (b[i] ?? Number.NaN))), 0);
}
