/** What a run's interruptions came to, as `summary.json` has it: bounded, however many there were. Pure. */
import { sumOf } from '../../shared/core/sums.ts';
import { type Interruption, type InterruptionReason, interruptionFields, interruptionReasons } from './interruption.ts';
import type { Summary } from './summary.ts';

type InterruptionsSummary = NonNullable<Summary['interruptions']>;

/** Interruptions that are listed one by one, the latest. */
const mostListed = 20;

/** @returns undefined for a run that had none */
export function summarizeInterruptions(interruptions: readonly Interruption[]): InterruptionsSummary | undefined {
  if (interruptions.length === 0) return undefined;
  const recoveries = interruptions.flatMap(({ recoverySeconds }) => recoverySeconds ?? []).sort((a, b) => a - b);
  const reasons = interruptionReasons.filter((reason) => interruptions.some((one) => one.reason === reason));
  const totalsFor = (reason: InterruptionReason) => totalsOf(interruptions.filter((one) => one.reason === reason));
  return {
    ...totalsOf(interruptions),
    recovery_seconds_p50: quantile(recoveries, 0.5),
    recovery_seconds_p95: quantile(recoveries, 0.95),
    by_reason: Object.fromEntries(reasons.map((reason) => [reason, totalsFor(reason)])),
    last: interruptions.slice(-mostListed).map(describe),
  };
}

function totalsOf(interruptions: readonly Interruption[]) {
  return {
    count: interruptions.length,
    wasted_seconds: sumOf(interruptions.map(({ wastedSeconds }) => wastedSeconds)),
    wasted_usd: sumOf(interruptions.map(({ wastedUsd }) => wastedUsd)),
    lost_steps: sumOf(interruptions.map(({ lostSteps }) => lostSteps)),
  };
}

function describe(interruption: Interruption): InterruptionsSummary['last'][number] {
  return { ...interruptionFields(interruption), recovery_seconds: interruption.recoverySeconds ?? null };
}

/** The smallest value that at least this fraction of the values does not exceed; null without values. */
function quantile(sorted: readonly number[], fraction: number): number | null {
  return sorted[Math.ceil(fraction * sorted.length) - 1] ?? null;
}
