/**
 * Checks that the replicas agree.
 *
 * All replicas apply the same reduced gradient, so only the rounding of the optimizer's update sets them apart: they
 * drift by last bits, and no replica's drift feeds another's. Workers alike in engine, device and CPU round alike, and
 * any difference between them is an error. (The CPU counts because relaxed SIMD may fuse a multiplication with an
 * addition or not, as the CPU can.)
 */
import { PennygradError } from '../../shared/core/errors.ts';
import type { Answered } from '../generation/requests.ts';
import { describeWorker, type Member, numericsKey } from '../membership/worker.ts';

/** Replicas with other arithmetic may be this far apart, relative to the length of the parameter vector. */
export const replicaTolerance = 1e-4;

/** How far apart the replicas were when last compared. */
export interface ReplicaComparison {
  /** All of them, bit for bit. */
  readonly identical: boolean;
  /** The largest ‖a − b‖ / ‖a‖ between rank 0's parameters a and another replica's b; 0 when they are identical. */
  readonly difference: number;
}

/** Replicas that must be equal are not. */
export class ReplicasDiffer extends PennygradError {
  constructor(message: string) {
    super('run-failed', message);
  }
}

/** The first rank of each key, by rank. */
export function firstOfEachKey(keys: readonly string[]): readonly number[] {
  return keys.flatMap((key, rank) => (keys.indexOf(key) === rank ? [rank] : []));
}

/** @returns the first rank whose checksum is not that of the first rank with its key, and that rank */
export function findOddReplica(
  keys: readonly string[],
  checksums: readonly (number | undefined)[],
): { readonly rank: number; readonly expected: number } | undefined {
  return keys
    .map((key, rank) => ({ rank, expected: keys.indexOf(key) }))
    .find(({ rank, expected }) => checksums[rank] !== checksums[expected]);
}

/**
 * The ranks that hold other parameters than most replicas with their key.
 * @returns undefined where all are equal, or where no majority says which of them are right
 */
export function findMinority(
  keys: readonly string[],
  checksums: readonly (number | undefined)[],
): readonly number[] | undefined {
  const minorities = [...new Set(keys)].map((key) => {
    const alike = keys.flatMap((other, rank) => (other === key ? rank : []));
    const withChecksum = (rank: number) => alike.filter((other) => checksums[other] === checksums[rank]);
    const majority = alike.map(withChecksum).find((group) => 2 * group.length > alike.length);
    return majority && alike.filter((rank) => !majority.includes(rank));
  });
  const known = minorities.flatMap((minority) => minority ?? []);
  return known.length === 0 || minorities.includes(undefined) ? undefined : known;
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

/**
 * @param checksums of the members' parameters before this step
 * @throws run-failed, naming the rank whose parameters are not those of another with the same arithmetic
 */
export function requireEqualReplicas(
  members: readonly Member[],
  checksums: readonly (number | undefined)[],
  step: number,
): void {
  // On most steps nobody has one.
  if (checksums.every((checksum) => checksum === checksums[0])) return;
  const keys = members.map(numericsKey);
  const odd = findOddReplica(keys, checksums);
  if (odd === undefined) return;
  throw new ReplicasDiffer(
    `${describeWorker(members[odd.rank] as Member)} holds other parameters than rank ${members[odd.expected]?.rank} before step ${step}, ` +
      `though both compute with ${keys[odd.rank]}; their replicas must be identical`,
  );
}

/**
 * @param answers of these members, with the parameters of the first of each numericsKey
 * @throws run-failed, naming a member whose parameters are further from the first one's than rounding takes them
 */
export function compareReplicas(
  members: readonly Member[],
  answers: readonly Answered<'state'>[],
  parameterCount: number,
  step: number,
): ReplicaComparison {
  const keys = members.map(numericsKey);
  const reference = answers[0]?.tensors[0];
  const distances = firstOfEachKey(keys).map((rank) => {
    const parameters = answers[rank]?.tensors[0];
    if (reference === undefined || parameters?.length !== parameterCount) return { rank, distance: Number.NaN };
    return { rank, distance: relativeDistance(reference, parameters) };
  });
  // Negated, because NaN is within no tolerance.
  const far = distances.find(({ distance }) => !(distance <= replicaTolerance));
  if (far !== undefined) {
    throw new PennygradError(
      'run-failed',
      `${describeWorker(members[far.rank] as Member)} (${keys[far.rank]}) holds parameters ${far.distance.toExponential(1)} from rank ${members[0]?.rank}'s ` +
        `before step ${step}, relative to their length; rounding explains ${replicaTolerance} at most`,
    );
  }
  const checksums = new Set(answers.map(({ message }) => message.parametersChecksum));
  return { identical: checksums.size === 1, difference: Math.max(...distances.map(({ distance }) => distance)) };
}
