import { addPhases, noPhaseSeconds, type PhaseSeconds, phaseNames } from '../../shared/core/phases.ts';
import type { ShownPhase } from '../../shared/protocol/live/live-state.ts';

/** A step's weight falls to 1/e in so many seconds: a worker that slows down shows, a single slow step does not. */
const memorySeconds = 10;

/** Seconds by phase of recent steps, the older the less they count. */
export function recentPhases(before: PhaseSeconds, step: PhaseSeconds, stepSeconds: number): PhaseSeconds {
  return addPhases(step, before, Math.exp(-stepSeconds / memorySeconds));
}

/** The phases as ratios of their sum; undefined when nothing was booked. Computing includes the optimizer's update. */
export function phaseRatios(seconds: PhaseSeconds): Readonly<Record<ShownPhase, number>> | undefined {
  const sum = phaseNames.reduce((total, phase) => total + seconds[phase], 0);
  if (sum <= 0) return undefined;
  const { load, compute, communicate, wait, apply } = addPhases(noPhaseSeconds, seconds, 1 / sum);
  return { compute: compute + apply, communicate, wait, load };
}
