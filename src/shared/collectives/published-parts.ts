/** What ranks that read each other's vectors publish with them: what their samples of a step came to, and how long that took. */
import { isBefore, isSameAttempt } from '../protocol/attempt.ts';
import type { Attempt } from '../protocol/messages.ts';
import type { PeerVectors } from '../transport/vectors.ts';
import { GradientGone, type StepPart } from './collective.ts';

export interface PublishedPart {
  readonly part: StepPart;
  /** From the beginning of the step until all of the rank's gradient was final, by its own clock. */
  readonly computeSeconds: number;
}

/** The figures of a publication. */
export function toFigures({ part, computeSeconds }: PublishedPart): readonly number[] {
  const { from, to, lossSum, correct, areFinite } = part;
  return [from, to, lossSum, correct, Number(areFinite), computeSeconds];
}

function fromFigures(figures: readonly number[]): PublishedPart {
  const [from = 0, to = 0, lossSum = 0, correct = 0, areFinite = 0, computeSeconds = 0] = figures;
  return { part: { from, to, lossSum, correct, areFinite: areFinite === 1 }, computeSeconds };
}

/**
 * @param other whose vectors these are
 * @returns undefined while the rank has not published the slot's vector for the attempt
 * @throws GradientGone if it is past that
 */
export function publishedPart(
  other: number,
  peer: PeerVectors,
  slot: number,
  attempt: Attempt,
): PublishedPart | undefined {
  const found = peer.published(slot);
  if (found === undefined) return undefined;
  if (isSameAttempt(found.attempt, attempt)) return fromFigures(found.figures);
  if (isBefore(found.attempt, attempt)) return undefined;
  throw new GradientGone(`rank ${other} has no gradient for step ${attempt.step + 1} to be read any more`);
}

/**
 * After reading: whoever went on to another attempt in the meantime may have changed what was read.
 * @param peers by rank
 * @throws GradientGone where one did
 */
export function requireUnchanged(peers: readonly (PeerVectors | undefined)[], slot: number, attempt: Attempt): void {
  for (const [other, peer] of peers.entries()) {
    if (peer === undefined || publishedPart(other, peer, slot, attempt) !== undefined) continue;
    throw new GradientGone(`rank ${other} has changed its gradient for step ${attempt.step + 1} while it was read`);
  }
}

/**
 * How much of the time until everybody's gradient was there was a wait for ranks that computed for longer. In memory all of it was.
 * Over a network the rest was for what was on its way: ranks begin a step nearly at the same time, when they have the sum of
 * the one before, so that whoever computed for longer began to send so much later.
 * @param seconds from when this rank's own gradient was final
 * @param own this rank's part
 * @param all by rank
 */
export function waitForSlower(
  seconds: number,
  own: PublishedPart,
  all: readonly (PublishedPart | undefined)[],
  peers: readonly (PeerVectors | undefined)[],
): number {
  if (peers.every((peer) => peer?.way !== 'network')) return seconds;
  // Whatever others say of themselves: what is no number is not longer.
  const longest = all.reduce(
    (most, part) => (part !== undefined && part.computeSeconds > most ? part.computeSeconds : most),
    own.computeSeconds,
  );
  return Math.min(seconds, longest - own.computeSeconds);
}
