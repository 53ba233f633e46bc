import { addPhases, noPhaseSeconds, type PhaseSeconds, phaseNames } from '../../shared/core/phases.ts';
import type { ShownPhase } from '../../shared/protocol/live/live-state.ts';

/** The weight of a step falls to 1/e in this time: a worker that slows down shows, a single slow step does not. */
const memorySeconds = 10;

/** Weighted sums of the seconds of recent steps by phase. Older steps count less. */
export function recentPhases(before: PhaseSeconds, step: PhaseSeconds, stepSeconds: number): PhaseSeconds {
  return addPhases(step, before, Math.exp(-stepSeconds / memorySeconds));
}

/** Each phase as a fraction of their sum; undefined when the sum is 0. `compute` includes the optimizer's update. */
export function phaseRatios(seconds: PhaseSeconds): Readonly<Record<ShownPhase, number>> | undefined {
  const sum = phaseNames.reduce((total, phase) => total + seconds[phase], 0);
  if (sum <= 0) return undefined;
  const { load, compute, communicate, wait, apply } = addPhases(noPhaseSeconds, seconds, 1 / sum);
  return { compute: compute + apply, communicate, wait, load };
}
