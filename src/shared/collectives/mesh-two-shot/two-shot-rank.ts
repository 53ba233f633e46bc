/**
 * A rank's side of the mesh in two stages. It owns an interval of the vector, as every rank does. It shows its gradient, of which
 * each of the others reads the interval that it owns; adds up its own interval, as soon as all have shown it; shows the sum; and
 * reads the sums of the others.
 *
 * There is one slot for the gradient and one for the sum. Why nobody writes over what others still read:
 *
 * - The gradient of step s + 1 is begun after the sums of s were read, all of them. Whoever published its sum of s had read all
 *   gradients of s that it reads.
 * - The sum of step s + 1 is begun when gradients of s + 1 are there from all ranks. Whoever shows one has read all sums of s.
 *
 * So ranks are never more than a step apart. A rank that is given up may be further behind: it finds a later attempt, and has
 * no sum.
 *
 * A rank that has all sums of step s applies it. Another one may lack the sum of a rank that died, if that was lost on its way;
 * or all may, though all had shown their gradients. After a loss, whoever has more gives its state to the others.
 *
 * Sums are shown in pieces, as soon as each is there: links carry them while later pieces are added up, and while gradients
 * still come. Pieces end where buckets do.
 */
import { evenShares, type Interval } from '../../core/sampling.ts';
import { sumOf } from '../../core/sums.ts';
import type { PeerVectors } from '../../transport/vectors.ts';
import { piecesOf } from '../buckets.ts';
import type { AllReduce, RankOptions } from '../collective.ts';
import { blockFloats, createFloatMemory } from '../float-memory.ts';
import { createPeerTurns, type Turn } from '../peer-turns.ts';
import { publishedPart, requireUnchanged, toFigures } from '../published-parts.ts';

const [gradientSlot, sumSlot] = [0, 1];

interface TwoShotTurn extends Turn {
  /** Own pieces that are final here, and not added up yet. */
  readonly waiting: Set<Interval>;
  /** How many own pieces are not added up. */
  left: number;
  /** The ranks whose sums were not complete when they were last looked for. */
  withoutSum: readonly number[];
}

/** All ranks; undefined at this rank's own place. */
type Peers = readonly (PeerVectors | undefined)[];

export function createTwoShotRank(options: RankOptions): AllReduce {
  const { rank, worldSize, buckets, exchange, now } = options;
  if (exchange === undefined) throw new Error('createTwoShotRank: needs an exchange');
  const { own, peers } = exchange;
  const intervals = evenShares({ from: 0, to: buckets.at(-1)?.to ?? 0 }, worldSize);
  const pieces = intervals.map((interval) => cutAtBuckets(interval, buckets));
  const ownPieces = pieces[rank] as readonly Interval[];
  const { sum, placeOf, addUp } = followIntervals(rank, intervals, peers);

  /** Adds up what all have shown of the own interval, and shows it. */
  function addPieces(turn: TwoShotTurn): void {
    const { attempt, vector, waiting } = turn;
    for (const piece of waiting) {
      const { from, to } = piece;
      const isThere = peers.every(
        (peer) => peer === undefined || peer.holds({ slot: gradientSlot, from, to }, attempt),
      );
      if (!isThere) continue;
      if (turn.left === ownPieces.length) own.begin(sumSlot, attempt);
      addUp(piece, vector);
      own.lend(sumSlot, from, sum.subarray(from, to));
      waiting.delete(piece);
      turn.left -= 1;
    }
  }

  /** Tells the others that the own sum is complete, once all gradients are. */
  function publishSum(turn: TwoShotTurn): void {
    const { attempt, parts } = turn;
    const ownPart = parts[rank];
    if (turn.addedUpAt !== undefined || ownPart === undefined) return;
    for (const [other, peer] of peers.entries()) {
      if (peer) parts[other] ??= publishedPart(other, peer, gradientSlot, attempt);
    }
    if (turn.left > 0 || parts.some((part) => part === undefined)) return;
    requireUnchanged(peers, gradientSlot, attempt);
    if (ownPieces.length === 0) own.begin(sumSlot, attempt);
    own.publish(sumSlot, { attempt, figures: toFigures(ownPart) });
    turn.addedUpAt = now();
  }

  /** Reads the sums of the others, once all are complete. @returns whether they are */
  function takeSums(turn: TwoShotTurn): boolean {
    const { attempt } = turn;
    if (turn.addedUpAt === undefined) return false;
    turn.withoutSum = peers.flatMap((peer, other) =>
      peer !== undefined && publishedPart(other, peer, sumSlot, attempt) === undefined ? other : [],
    );
    if (turn.withoutSum.length > 0) return false;
    for (const [other, peer] of peers.entries()) {
      peer?.read(sumSlot, (intervals[other] as Interval).from, placeOf(other));
    }
    requireUnchanged(peers, sumSlot, attempt);
    return true;
  }

  /** The ranks whose gradients were not there when they were last looked for, or else those whose sums were not. */
  function missing({ parts, withoutSum }: TwoShotTurn): readonly number[] {
    const silent = parts.flatMap((part, other) => (part === undefined && other !== rank ? other : []));
    return silent.length > 0 ? silent : withoutSum;
  }

  return createPeerTurns(options, exchange, {
    pieces: pieces.flat(),
    sum,
    bytes: bytesOfStep(rank, intervals, peers),
    begin(attempt) {
      own.begin(gradientSlot, attempt);
      return { waiting: new Set<Interval>(), left: ownPieces.length, withoutSum: [] as readonly number[] };
    },
    handOver({ vector, waiting }, piece) {
      if (ownPieces.includes(piece)) waiting.add(piece);
      else own.write(gradientSlot, piece.from, vector.subarray(piece.from, piece.to));
    },
    handedOver: ({ attempt }, part) => own.publish(gradientSlot, { attempt, figures: toFigures(part) }),
    advance(turn) {
      addPieces(turn);
      publishSum(turn);
      return takeSums(turn);
    },
    missing,
  });
}

/** Follows what is read of each rank, and keeps it where it is added up. */
function followIntervals(rank: number, intervals: readonly Interval[], peers: Peers) {
  const intervalOf = (owner: number) => intervals[owner] as Interval;
  const { from: ownFrom, to: ownTo } = intervalOf(rank);
  // What arrives over the network is kept where it is added up: others' gradients behind the block, and their sums in the sum.
  const firstOfPeers = 2;
  const memory = createFloatMemory([
    intervals.at(-1)?.to ?? 0,
    Math.min(blockFloats, ownTo - ownFrom),
    ...peers.map((peer) => (peer?.way === 'network' ? ownTo - ownFrom : 0)),
  ]);
  const sum = memory.vector(0);
  const placeOf = (owner: number) => sum.subarray(intervalOf(owner).from, intervalOf(owner).to);
  for (const [other, peer] of peers.entries()) {
    const { from, to } = intervalOf(other);
    const isFar = peer?.way === 'network';
    peer?.follow([
      { slot: gradientSlot, from: ownFrom, to: ownTo, place: isFar ? memory.vector(firstOfPeers + other) : undefined },
      { slot: sumSlot, from, to, place: isFar ? placeOf(other) : undefined },
    ]);
  }
  return {
    sum,
    /** Where a rank's sum belongs. */
    placeOf,
    /** Adds rank 1, 2, … onto rank 0's vector: each partial sum is rounded to float32. */
    addUp({ from, to }: Interval, vector: Float32Array): void {
      for (let at = from; at < to; at += blockFloats) {
        const length = Math.min(blockFloats, to - at);
        for (const [other, peer] of peers.entries()) {
          const [place, start] = peer?.way === 'network' ? [firstOfPeers + other, at - ownFrom] : [1, 0];
          const target =
            other === 0 ? sum.subarray(at, at + length) : memory.vector(place).subarray(start, start + length);
          if (peer === undefined) target.set(vector.subarray(at, at + length));
          else peer.read(gradientSlot, at, target);
          if (other > 0) memory.add(0, at, place, start, length);
        }
      }
    },
  };
}

/** The parts of an interval that belong to one bucket each, cut evenly where they are long. */
function cutAtBuckets(interval: Interval, buckets: readonly Interval[]): readonly Interval[] {
  return buckets.flatMap((bucket) => {
    const [from, to] = [Math.max(bucket.from, interval.from), Math.min(bucket.to, interval.to)];
    return piecesOf({ from, to });
  });
}

/**
 * What a rank sends and receives in a step. In memory it leaves its gradient and its sum once for all; over the network each of
 * the others is sent its interval of the one, and all of the other.
 */
function bytesOfStep(rank: number, intervals: readonly Interval[], peers: Peers) {
  const lengths = intervals.map(({ from, to }) => to - from);
  const floats = sumOf(lengths);
  const ownLength = lengths[rank] ?? 0;
  const far = lengths.filter((_, other) => peers[other]?.way === 'network');
  const inMemory = peers.some((peer) => peer?.way === 'memory') ? floats : 0;
  const sent = inMemory + sumOf(far) + far.length * ownLength;
  const received = (lengths.length - 1) * ownLength + floats - ownLength;
  const { BYTES_PER_ELEMENT: bytes } = Float32Array;
  return { sent: sent * bytes, received: received * bytes };
}
