/**
 * Which replicas must be equal bit for bit, and how close the others must be.
 *
 * All replicas apply the same reduced gradient, so what sets them apart is the rounding of the optimizer's update alone:
 * they drift by last bits, and no replica's drift feeds another's. Workers alike in engine, device and CPU round alike,
 * and a difference between them is an error. (The CPU counts because relaxed SIMD may fuse a multiplication with an
 * addition or not, as the CPU can.)
 */
import type { Member } from '../membership/roster.ts';

/** Replicas of different kinds may be this far apart, relative to the length of the parameter vector. */
export const replicaTolerance = 1e-4;

/** What replicas of the same arithmetic have in common. */
export function replicaKind({ hello, ready }: Pick<Member, 'hello' | 'ready'>): string {
  return `${ready?.backend} (${ready?.device}) on ${hello.cpu}`;
}

/** The first rank of each kind, by rank. */
export function firstOfEachKind(kinds: readonly string[]): readonly number[] {
  return [...kinds.keys()].filter((rank) => kinds.indexOf(kinds[rank] ?? '') === rank);
}

/** @returns the first rank whose checksum is not that of the first rank of its kind, with that rank */
export function findOddReplica(
  kinds: readonly string[],
  checksums: readonly (number | undefined)[],
): { readonly rank: number; readonly expected: number } | undefined {
  return [...kinds.keys()]
    .map((rank) => ({ rank, expected: kinds.indexOf(kinds[rank] ?? '') }))
    .find(({ rank, expected }) => checksums[rank] !== checksums[expected]);
}

/** ‖a − b‖ / ‖a‖ in double precision; NaN if either has a parameter that is no number. */
export function relativeDistance(a: Float32Array, b: Float32Array): number {
  let [differences, squares] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const value = a[i] as number;
    differences += (value - (b[i] as number)) ** 2;
    squares += value ** 2;
  }
  return differences === 0 ? 0 : Math.sqrt(differences / squares);
}
