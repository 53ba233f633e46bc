/**
 * Bounds of the buckets of a histogram of durations, evenly spaced on a logarithmic scale. `histogram_quantile` cannot tell
 * two durations in one bucket apart, so the ratio of neighbours is the smallest change that is always seen.
 */

/** A change of 10 % always leaves its bucket: neighbours are 9.6 % apart. */
export const bucketsPerDecade = 25;

/** Of phases, which have a series for each bucket and each phase: neighbours are 21 % apart. */
export const phaseBucketsPerDecade = 12;

/**
 * @param shortest, longest in seconds, both bounds themselves
 * @returns ascending bounds with four digits, because Prometheus shows them
 */
export function durationBuckets(shortest: number, longest: number, perDecade: number): readonly number[] {
  const count = Math.round(perDecade * Math.log10(longest / shortest));
  return Array.from({ length: count + 1 }, (_, index) =>
    Number((shortest * (longest / shortest) ** (index / count)).toPrecision(4)),
  );
}
