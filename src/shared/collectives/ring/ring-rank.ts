/**
 * A rank's side of the ring. It reads the rank before it, adds its own gradient to the partial sums that come from there, and shows
 * them to the rank after it, piece by piece, as each is there. So it does with the sums that come around behind them.
 *
 * There is one slot for partial sums and one for sums. Both kinds are in one vector, `sum`, from where they are sent. A partial sum
 * that comes over the network is added to at once, or kept until the own gradient is there: apart from `sum`, where the last step's
 * may still be being applied. Why nobody writes over what others still read:
 *
 * - A sum takes the place of the partial sum that this rank has shown of the same piece: the next rank has added to that, or there
 *   would be no sum of it.
 * - Each rank publishes its slot of sums when it has all sums and figures of a step, and none shows anything of step s + 1 before
 *   all have published that of s.
 * - The sums of step s + 1 are begun when there is one. All ranks have added to it, so all have seen what was published of s.
 *
 * So ranks are never more than a step apart. A rank that is given up may be further behind: it finds a later attempt, and has
 * no sum.
 *
 * What its samples came to a rank publishes to all others, with its slot of partial sums, once it has added to all of them.
 *
 * A rank that has all sums of step s applies it. Others may lack some, if a rank died before it had passed them on. After a loss,
 * whoever has more gives its state to the others.
 */
import { isSameAttempt } from '../../protocol/attempt.ts';
import type { Attempt } from '../../protocol/messages.ts';
import type { FollowedPart, PeerVectors, SlotPart } from '../../transport/vectors.ts';
import { type AllReduce, GradientGone, type RankOptions } from '../collective.ts';
import { blockFloats, createFloatMemory } from '../float-memory.ts';
import { createPeerTurns, type Turn } from '../peer-turns.ts';
import { publishedPart, toFigures } from '../published-parts.ts';
import { around, type RingPiece, type RingRoute, rankAt, ringRoute } from './ring-route.ts';

const [partialSlot, sumSlot] = [0, 1];
const { BYTES_PER_ELEMENT: floatBytes } = Float32Array;

interface RingTurn extends Turn {
  /** The step before this one, if it was complete. */
  readonly before: Attempt | undefined;
  /** Whether all others have the sums of the step before, so that something of this one may be shown. */
  isOpen: boolean;
  /** Pieces whose own gradient is final, and that it is not added to. */
  readonly toAdd: Set<RingPiece>;
  /** How many pieces it is not added to. */
  left: number;
  /** Pieces whose sums have not come. */
  readonly toTake: Set<RingPiece>;
  areSumsBegun: boolean;
  /** The ranks that it waited for when it was last looked for something new. */
  awaited: readonly number[];
}

export function createRingRank(options: RankOptions): AllReduce {
  const { rank, worldSize, buckets, exchange, now, signal } = options;
  if (exchange === undefined) throw new Error('createRingRank: needs an exchange');
  const { own, peers } = exchange;
  const floats = buckets.at(-1)?.to ?? 0;
  const route = ringRoute(rank, worldSize, floats);
  const { sum, add, take } = followRing(route, floats, peers, useAtOnce);
  const last = worldSize - 1;
  /** The turn that is under way, once something of it may be shown. */
  let current: RingTurn | undefined;
  /** The last step that was complete here, in this generation. */
  let before: Attempt | undefined;

  /** The others that have not published the sums of an attempt. */
  function withoutSums(attempt: Attempt): readonly number[] {
    return peers.flatMap((peer, other) =>
      peer !== undefined && publishedPart(other, peer, sumSlot, attempt) === undefined ? other : [],
    );
  }

  function open(turn: RingTurn): boolean {
    if (turn.isOpen) return true;
    turn.awaited = turn.before === undefined ? [] : withoutSums(turn.before);
    if (turn.awaited.length > 0) return false;
    own.begin(partialSlot, turn.attempt);
    turn.isOpen = true;
    current = turn;
    return true;
  }

  function passSum(turn: RingTurn, { from, to }: RingPiece): void {
    if (!turn.areSumsBegun) own.begin(sumSlot, turn.attempt);
    turn.areSumsBegun = true;
    own.pass(sumSlot, from, sum.subarray(from, to));
  }

  function passAdded(turn: RingTurn, piece: RingPiece): void {
    const { from, to, hops } = piece;
    if (hops === last) passSum(turn, piece);
    else own.pass(partialSlot, from, sum.subarray(from, to));
    turn.toAdd.delete(piece);
    turn.left -= 1;
  }

  /** Adds the own gradient to a partial sum that arrives, where that is final. */
  function useAtOnce(attempt: Attempt, from: number, values: Float32Array): boolean {
    if (current === undefined || !isSameAttempt(current.attempt, attempt) || signal.aborted) return false;
    const to = from + values.length;
    const piece = [...current.toAdd].find((one) => one.from === from && one.to === to);
    if (piece === undefined) return false;
    add(piece, current.vector, attempt, values);
    passAdded(current, piece);
    return true;
  }

  /** Adds the own gradient to what has come of pieces, and passes it on. */
  function addPieces(turn: RingTurn): void {
    const { attempt, vector, parts, toAdd } = turn;
    let nearest = worldSize;
    for (const piece of toAdd) {
      if (add(piece, vector, attempt)) passAdded(turn, piece);
      else nearest = Math.min(nearest, piece.hops);
    }
    // Nearer ranks have sent what begins at them.
    if (nearest < worldSize) turn.awaited = [rankAt(rank - nearest, worldSize)];
    const ownPart = parts[rank];
    if (turn.left > 0 || ownPart === undefined || turn.addedUpAt !== undefined) return;
    own.publish(partialSlot, { attempt, figures: toFigures(ownPart) });
    turn.addedUpAt = now();
  }

  /** Takes what has come of sums, and passes it on. */
  function takeSums(turn: RingTurn): void {
    let nearest = worldSize;
    for (const piece of turn.toTake) {
      if (!take(piece, turn.attempt)) {
        nearest = Math.min(nearest, piece.hops);
        continue;
      }
      // The next rank has it where that has completed it.
      if (piece.hops !== last - 1) passSum(turn, piece);
      turn.toTake.delete(piece);
    }
    if (nearest < worldSize && turn.left === 0) turn.awaited = [rankAt(rank - nearest - 1, worldSize)];
  }

  /** Tells all others that this rank has the sums, once it has what their samples came to as well. */
  function complete(turn: RingTurn): boolean {
    const { attempt, parts, toTake } = turn;
    for (const [other, peer] of peers.entries()) {
      if (peer) parts[other] ??= publishedPart(other, peer, partialSlot, attempt);
    }
    const ownPart = parts[rank];
    if (turn.addedUpAt === undefined || ownPart === undefined || toTake.size > 0) return false;
    turn.awaited = parts.flatMap((part, other) => (part === undefined ? other : []));
    if (turn.awaited.length > 0) return false;
    if (!turn.areSumsBegun) own.begin(sumSlot, attempt);
    own.publish(sumSlot, { attempt, figures: toFigures(ownPart) });
    before = attempt;
    return true;
  }

  return createPeerTurns(options, exchange, {
    pieces: route.pieces,
    sum,
    bytes: { sent: floatBytes * route.floats.sent, received: floatBytes * route.floats.received },
    isEager: true,
    begin() {
      const taken = before;
      // Nobody can say that it has the sums of an attempt that came to nothing.
      [before, current] = [undefined, undefined];
      return {
        before: taken,
        isOpen: false,
        toAdd: new Set<RingPiece>(),
        left: route.pieces.length,
        toTake: new Set(route.pieces.filter(({ hops }) => hops !== last)),
        areSumsBegun: false,
        awaited: [] as readonly number[],
      };
    },
    handOver: ({ toAdd }, piece) => toAdd.add(piece),
    advance(turn) {
      if (!open(turn)) return false;
      addPieces(turn);
      takeSums(turn);
      return complete(turn);
    },
    missing: ({ awaited }) => awaited,
  });
}

/** Follows what this rank reads of the one before it, and keeps it where it is needed. */
function followRing(
  route: RingRoute,
  floats: number,
  peers: readonly (PeerVectors | undefined)[],
  use: NonNullable<FollowedPart['use']>,
) {
  const { begunHere, completedHere } = route;
  const previous = peers[route.before];
  const isFar = previous?.way === 'network';
  const begunFloats = begunHere.to - begunHere.from;
  const [sumPlace, block, kept] = [0, 1, 2];
  const memory = createFloatMemory([floats, Math.min(blockFloats, floats), isFar ? floats - begunFloats : 0]);
  const sum = memory.vector(sumPlace);
  /** Where a partial sum that came over the network is kept: there is no room for the interval that none comes of. */
  const keptAt = (from: number) => (from < begunHere.from ? from : from - begunFloats);

  const partials = around(begunHere, floats).map(({ from, to }): FollowedPart => {
    const place = isFar ? memory.vector(kept).subarray(keptAt(from), keptAt(from) + to - from) : undefined;
    return { slot: partialSlot, from, to, place, use: isFar ? use : undefined };
  });
  const sums = around(completedHere, floats).map(({ from, to }): FollowedPart => {
    return { slot: sumSlot, from, to, place: isFar ? sum.subarray(from, to) : undefined };
  });
  const onlyPublished = [partialSlot, sumSlot].map((slot) => ({ slot, from: 0, to: 0 }));
  for (const peer of peers) peer?.follow(peer === previous ? [...partials, ...sums] : onlyPublished);

  const holds = (part: SlotPart, attempt: Attempt) => previous?.holds(part, attempt) === true;

  /** @throws GradientGone if what was read may have been of another attempt */
  function requireHeld(part: SlotPart, attempt: Attempt): void {
    if (holds(part, attempt)) return;
    throw new GradientGone(`rank ${route.before} has changed its part of step ${attempt.step + 1} while it was read`);
  }

  return {
    sum,
    /**
     * Sums up, in its place in `sum`, what has come of a piece and the own gradient.
     * @param values of the piece, where they have just come
     * @returns whether it has come
     */
    add({ from, to, hops }: RingPiece, vector: Float32Array, attempt: Attempt, values?: Float32Array): boolean {
      const part = { slot: partialSlot, from, to };
      const isRead = hops > 0 && values === undefined;
      if (isRead && !holds(part, attempt)) return false;
      for (let at = from; at < to; at += blockFloats) {
        const length = Math.min(blockFloats, to - at);
        sum.set(vector.subarray(at, at + length), at);
        if (hops === 0) continue;
        const [place, start] = isRead && isFar ? [kept, keptAt(at)] : [block, 0];
        const target = memory.vector(place).subarray(start, start + length);
        if (values === undefined) previous?.read(partialSlot, at, target);
        else target.set(values.subarray(at - from, at - from + length));
        memory.add(sumPlace, at, place, start, length);
      }
      if (isRead) requireHeld(part, attempt);
      return true;
    },
    /** Takes the sum of a piece to its place in `sum`. @returns whether it has come */
    take({ from, to }: RingPiece, attempt: Attempt): boolean {
      const part = { slot: sumSlot, from, to };
      if (!holds(part, attempt)) return false;
      previous?.read(sumSlot, from, sum.subarray(from, to));
      requireHeld(part, attempt);
      return true;
    },
  };
}
