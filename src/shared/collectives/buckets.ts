/**
 * A gradient travels in buckets. A bucket leaves as soon as the backward pass has finished it, while earlier layers are
 * still being computed (Li et al., "PyTorch Distributed", VLDB 2020, section 3.2.3).
 */
import { evenShares, type Interval } from '../core/sampling.ts';

/** A bucket ends at the first variable boundary past this many floats (256 KiB): smaller buckets cost more than they save. */
const enoughFloats = 1 << 16;
/** The longest bucket in floats (1 MiB), so that reducing overlaps with receiving. */
const maxFloats = 1 << 18;

/**
 * Cuts a flat gradient at the boundaries of its variables, from the end, where the backward pass begins.
 * @param sizes of the variables in floats, in the order of the flat vector
 * @returns buckets in the order of the flat vector, without gaps
 */
export function gradientBuckets(sizes: readonly number[]): readonly Interval[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const edges = [total];
  let edge = total;
  for (const size of sizes.toReversed()) {
    edge -= size;
    if ((edges.at(-1) ?? total) - edge >= enoughFloats) edges.push(edge);
  }
  // Where the last edge is there already, nothing is left between the two, and that makes no bucket.
  edges.push(0);
  const ascending = edges.reverse();
  return ascending.slice(1).flatMap((to, i) => splitEvenly({ from: ascending[i] ?? 0, to }));
}

/** The ends of the buckets: all that another process needs to know of them. */
export function bucketEnds(buckets: readonly Interval[]): readonly number[] {
  return buckets.map(({ to }) => to);
}

/** @returns undefined unless the ends ascend from above 0 to `length` */
export function bucketsFromEnds(ends: readonly number[], length: number): readonly Interval[] | undefined {
  const buckets = ends.map((to, i) => ({ from: ends[i - 1] ?? 0, to }));
  const ascending = buckets.every(({ from, to }) => from < to);
  return ascending && ends.at(-1) === length ? buckets : undefined;
}

function splitEvenly({ from, to }: Interval): readonly Interval[] {
  const parts = Math.ceil((to - from) / maxFloats);
  const edge = (part: number) => from + Math.round(((to - from) * part) / parts);
  return Array.from({ length: parts }, (_, part) => ({ from: edge(part), to: edge(part + 1) }));
}

/** The longest piece, in floats (512 KiB): sums leave while the rest of an interval comes. Shorter ones cost more than they save. */
const mostPieceFloats = 1 << 17;

/** Cuts an interval evenly where it is long. */
export function piecesOf(interval: Interval): readonly Interval[] {
  return interval.from < interval.to
    ? evenShares(interval, Math.ceil((interval.to - interval.from) / mostPieceFloats))
    : [];
}
