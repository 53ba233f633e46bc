/** What goes around a ring, and how far a rank is from where it begins. Pure. */
import { evenShares, type Interval } from '../../core/sampling.ts';
import { piecesOf } from '../buckets.ts';

/**
 * A piece of the vector. It begins its way at the rank whose interval it is in, the next one adds to it, and so on; the last
 * to add has the sum, which goes on around, and ends before it.
 */
export interface RingPiece extends Interval {
  /** How many ranks have added to it before this one. */
  readonly hops: number;
}

export interface RingRoute {
  /** The rank that this one reads, and the only one whose vectors it reads. */
  readonly before: number;
  /** All pieces of the vector. */
  readonly pieces: readonly RingPiece[];
  /** This rank needs no partial sums of the interval that begins at it. */
  readonly begunHere: Interval;
  /** It needs no sums of the interval that it completes itself. */
  readonly completedHere: Interval;
  /** What it sends, and receives, in floats. */
  readonly floats: { readonly sent: number; readonly received: number };
}

export function ringRoute(rank: number, worldSize: number, floats: number): RingRoute {
  const intervals = evenShares({ from: 0, to: floats }, worldSize);
  const intervalOf = (owner: number) => intervals[rankAt(owner, worldSize)] as Interval;
  const pieces = intervals.flatMap((interval, owner) =>
    piecesOf(interval).map(({ from, to }) => ({ from, to, hops: rankAt(rank - owner, worldSize) })),
  );
  const [begunHere, completedHere] = [intervalOf(rank), intervalOf(rank + 1)];
  const allBut = ({ from, to }: Interval) => floats - (to - from);
  return {
    before: rankAt(rank - 1, worldSize),
    pieces,
    begunHere,
    completedHere,
    floats: {
      sent: allBut(completedHere) + allBut(intervalOf(rank + 2)),
      received: allBut(begunHere) + allBut(completedHere),
    },
  };
}

/** The rank at a place that is counted on around the ring, in either direction. */
export function rankAt(place: number, worldSize: number): number {
  return ((place % worldSize) + worldSize) % worldSize;
}

/** What is around an interval: two intervals, or one, which may be empty. */
export function around({ from, to }: Interval, floats: number): readonly Interval[] {
  const both = [
    { from: 0, to: from },
    { from: to, to: floats },
  ].filter((interval) => interval.from < interval.to);
  return both.length > 0 ? both : [{ from: 0, to: 0 }];
}
