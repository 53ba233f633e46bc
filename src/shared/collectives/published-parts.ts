/** What ranks that read each other's vectors publish with them: what their samples of a step came to. */
import { isBefore, isSameAttempt } from '../protocol/attempt.ts';
import type { Attempt } from '../protocol/messages.ts';
import type { PeerVectors } from '../transport/vectors.ts';
import { GradientGone, type StepPart } from './collective.ts';

/** The figures of a publication. */
export function toFigures({ from, to, lossSum, correct, areFinite }: StepPart): readonly number[] {
  return [from, to, lossSum, correct, Number(areFinite)];
}

function fromFigures([from = 0, to = 0, lossSum = 0, correct = 0, areFinite = 0]: readonly number[]): StepPart {
  return { from, to, lossSum, correct, areFinite: areFinite === 1 };
}

/**
 * @param other whose vectors these are
 * @returns undefined while the rank has not published the slot's vector for the attempt
 * @throws GradientGone if it is past that
 */
export function publishedPart(other: number, peer: PeerVectors, slot: number, attempt: Attempt): StepPart | undefined {
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
