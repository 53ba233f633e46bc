/**
 * The figures of nccl-tests, as its PERFORMANCE.md defines them
 * (https://github.com/NVIDIA/nccl-tests/blob/master/doc/PERFORMANCE.md), and how often to measure.
 */
import { medianOf } from '../../shared/core/sums.ts';

export interface Bandwidths {
  /** Size ÷ time, in GB/s (1e9 bytes). */
  readonly algorithm: number;
  /**
   * algbw × 2(n − 1)/n, in GB/s: what each link carries if no byte travels in vain, so that it can be compared with the
   * hardware's speed whatever the number of ranks. 0 for one rank.
   */
  readonly bus: number;
}

/** @param bytes of the vector that each rank hands in */
export function bandwidthsOf(bytes: number, seconds: number, worldSize: number): Bandwidths {
  const algorithm = bytes / seconds / 1e9;
  return { algorithm, bus: (algorithm * 2 * (worldSize - 1)) / worldSize };
}

/**
 * The median over a round's reductions, each of which takes as long as for its slowest rank.
 * @param byRank each rank's seconds of the same reductions
 */
export function secondsOfRound(byRank: readonly (readonly number[])[]): number {
  const [first = []] = byRank;
  return medianOf(first.map((_, reduction) => Math.max(...byRank.map((seconds) => seconds[reduction] ?? Number.NaN))));
}

const [fewestReductions, mostReductions] = [3, 1000];

/** How many reductions fill a round. @param secondsOfOne as it was measured before */
export function reductionsFor(roundSeconds: number, secondsOfOne: number): number {
  return Math.min(mostReductions, Math.max(fewestReductions, Math.round(roundSeconds / secondsOfOne)));
}
