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
import { createDeferred, type Deferred } from '../../core/deferred.ts';
import { evenShares, type Interval } from '../../core/sampling.ts';
import { sumOf } from '../../core/sums.ts';
import type { Attempt } from '../../protocol/messages.ts';
import type { PeerVectors } from '../../transport/vectors.ts';
import { followBuckets } from '../bucket-progress.ts';
import type { AllReduce, RankOptions, StepPart } from '../collective.ts';
import { blockFloats, createFloatMemory } from '../float-memory.ts';
import { publishedPart, requireUnchanged, toFigures } from '../published-parts.ts';

const [gradientSlot, sumSlot] = [0, 1];

/** The longest piece, in floats (512 KiB): sums leave while the rest of an interval comes. Shorter ones cost more than they save. */
const mostPieceFloats = 1 << 17;

/** An attempt at a step. */
interface Turn {
  readonly attempt: Attempt;
  readonly vector: Float32Array;
  /** Own pieces that are final here, and not added up yet. */
  readonly waiting: Set<Interval>;
  /** How many own pieces are not added up. */
  left: number;
  /** What each rank's samples came to, once its whole gradient is shown. */
  readonly parts: (StepPart | undefined)[];
  /** When all of them were shown and added up, and the own sum with them; undefined before. */
  addedUpAt: number | undefined;
  /** The ranks whose sums were not complete when they were last looked for. */
  withoutSum: readonly number[];
  readonly done: Deferred<void>;
}

export function createTwoShotRank({ rank, worldSize, buckets, exchange, now, signal }: RankOptions): AllReduce {
  if (exchange === undefined) throw new Error('createTwoShotRank: needs an exchange');
  const { own, peers, listen } = exchange;
  const floats = buckets.at(-1)?.to ?? 0;
  const intervals = evenShares({ from: 0, to: floats }, worldSize);
  const intervalOf = (owner: number) => intervals[owner] as Interval;
  const { from: ownFrom, to: ownTo } = intervalOf(rank);
  const pieces = intervals.map((interval) => cutAtBuckets(interval, buckets));
  const ownPieces = pieces[rank] as readonly Interval[];
  // What arrives over the network is kept where it is added up: others' gradients behind the block, and their sums in the sum.
  const firstOfPeers = 2;
  const memory = createFloatMemory([
    floats,
    Math.min(blockFloats, ownTo - ownFrom),
    ...peers.map((peer) => (peer?.way === 'network' ? ownTo - ownFrom : 0)),
  ]);
  const sum = memory.vector(0);
  const sumsOf = (owner: number) => sum.subarray(intervalOf(owner).from, intervalOf(owner).to);
  for (const [other, peer] of peers.entries()) {
    const { from, to } = intervalOf(other);
    const isFar = peer?.way === 'network';
    peer?.follow([
      { slot: gradientSlot, from: ownFrom, to: ownTo, place: isFar ? memory.vector(firstOfPeers + other) : undefined },
      { slot: sumSlot, from, to, place: isFar ? sumsOf(other) : undefined },
    ]);
  }

  const lengths = intervals.map(({ from, to }) => to - from);
  const bytes = bytesOfStep(rank, lengths, peers);

  /** Adds rank 1, 2, … onto rank 0's vector: each partial sum is rounded to float32. */
  function addUp({ from, to }: Interval, vector: Float32Array): void {
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
  }

  /** Adds up what all have shown of the own interval, and shows it. */
  function addPieces(turn: Turn): void {
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
  function publishSum(turn: Turn): void {
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
  function takeSums(turn: Turn): boolean {
    const { attempt } = turn;
    if (turn.addedUpAt === undefined) return false;
    turn.withoutSum = peers.flatMap((peer, other) =>
      peer !== undefined && publishedPart(other, peer, sumSlot, attempt) === undefined ? other : [],
    );
    if (turn.withoutSum.length > 0) return false;
    for (const [other, peer] of peers.entries()) peer?.read(sumSlot, intervalOf(other).from, sumsOf(other));
    requireUnchanged(peers, sumSlot, attempt);
    return true;
  }

  /** The ranks whose gradients were not there when they were last looked for, or else those whose sums were not. */
  function missing({ parts, withoutSum }: Turn): readonly number[] {
    const silent = parts.flatMap((part, other) => (part === undefined && other !== rank ? other : []));
    return silent.length > 0 ? silent : withoutSum;
  }

  /** The turn that this rank waits for, or gave up. */
  let awaited: Turn | undefined;
  /** The turn that is under way: once it is done, what others show belongs to the next one. */
  let current: Turn | undefined;

  function look(turn: Turn): void {
    if (turn !== current) return;
    try {
      addPieces(turn);
      publishSum(turn);
      if (!takeSums(turn)) return;
      turn.done.resolve();
    } catch (error) {
      turn.done.reject(error);
    }
    current = undefined;
  }

  /** What is complete when the generation ends still counts: others may have applied it. */
  async function settled(turn: Turn): Promise<void> {
    function giveUp(): void {
      look(turn);
      turn.done.reject(signal.reason);
    }
    awaited = turn;
    signal.addEventListener('abort', giveUp);
    if (signal.aborted) giveUp();
    else look(turn);
    await turn.done.promise.finally(() => signal.removeEventListener('abort', giveUp));
  }

  return {
    start(attempt, [vector = new Float32Array(0)]) {
      if (vector.length !== floats) throw new Error(`all-reduce: ${vector.length} floats, expected ${floats}`);
      const turn: Turn = {
        attempt,
        vector,
        waiting: new Set(),
        left: ownPieces.length,
        parts: peers.map(() => undefined),
        addedUpAt: undefined,
        withoutSum: [],
        done: createDeferred<void>(),
      };
      // It may fail before anybody waits for it.
      turn.done.promise.catch(() => {});
      current = turn;
      awaited = undefined;
      own.begin(gradientSlot, attempt);
      listen(() => look(turn));
      const all = pieces.flat();
      const progress = followBuckets(all, 1, (_, place) => {
        const piece = all[place] as Interval;
        if (ownPieces.includes(piece)) turn.waiting.add(piece);
        else own.write(gradientSlot, piece.from, vector.subarray(piece.from, piece.to));
      });
      return {
        ready: (from, to) => progress.ready(from, to, 0),
        async finish(part, vote) {
          signal.throwIfAborted();
          progress.rest();
          own.publish(gradientSlot, { attempt, figures: toFigures(part) });
          turn.parts[rank] = part;
          const published = now();
          vote();
          await settled(turn);
          const parts = turn.parts.flatMap((one) => one ?? []);
          // Sums come without waiting for anybody who computes.
          const waitSeconds = (turn.addedUpAt ?? published) - published;
          return { sum, parts, waitSeconds, bytes };
        },
      };
    },
    receive() {},
    awaited: () => (awaited === undefined ? [] : missing(awaited)),
  };
}

/** The parts of an interval that belong to one bucket each, cut evenly where they are long. */
function cutAtBuckets(interval: Interval, buckets: readonly Interval[]): readonly Interval[] {
  return buckets.flatMap((bucket) => {
    const [from, to] = [Math.max(bucket.from, interval.from), Math.min(bucket.to, interval.to)];
    return from < to ? evenShares({ from, to }, Math.ceil((to - from) / mostPieceFloats)) : [];
  });
}

/**
 * What a rank sends and receives in a step. In memory it leaves its gradient and its sum once for all; over the network each of
 * the others is sent its interval of the one, and all of the other.
 * @param lengths of the intervals, in floats, by rank
 */
function bytesOfStep(rank: number, lengths: readonly number[], peers: readonly (PeerVectors | undefined)[]) {
  const floats = sumOf(lengths);
  const ownLength = lengths[rank] ?? 0;
  const far = lengths.filter((_, other) => peers[other]?.way === 'network');
  const inMemory = peers.some((peer) => peer?.way === 'memory') ? floats : 0;
  const sent = inMemory + sumOf(far) + far.length * ownLength;
  const received = (lengths.length - 1) * ownLength + floats - ownLength;
  const { BYTES_PER_ELEMENT: bytes } = Float32Array;
  return { sent: sent * bytes, received: received * bytes };
}
