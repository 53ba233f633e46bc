/** Says what interruptions cost, for people. Pure. */
import { formatCount, formatSeconds, formatUsd } from '../../shared/core/number-format.ts';
import { type Interruption, type InterruptionReason, interruptionReasons } from './interruption.ts';
import type { Summary } from './summary.ts';

const whatHappened: Readonly<Record<InterruptionReason, string>> = {
  killed: 'was killed',
  exited: 'ended by itself',
  left: 'left',
  failed: 'failed',
  unreachable: 'could not be reached',
  stuck: 'was stuck',
  misbehaved: 'sent wrong messages',
  drained: 'drained',
  dropped: 'was dropped as a straggler',
  preempted: 'was preempted',
  desync: 'was out of step with its peers',
  coordinator: 'ended without a word',
};

/** `w1 was killed after step 120: that cost 0.8 s of workers' time ($0.0009), and training went on after 0.4 s` */
export function describeInterruption(interruption: Interruption): string {
  const { workerId, reason, step, recoverySeconds, wastedSeconds, wastedUsd, lostSteps } = interruption;
  const again = lostSteps === 0 ? '' : `, ${formatCount(lostSteps)} steps were trained again`;
  const usd = wastedUsd > 0 ? ` (${formatUsd(wastedUsd)})` : '';
  const after =
    recoverySeconds === undefined
      ? 'the run ended with it'
      : `training went on after ${formatRecovery(recoverySeconds)}`;
  return (
    `${workerId} ${whatHappened[reason]} after step ${formatCount(step)}: that cost ${formatSeconds(wastedSeconds)} ` +
    `of workers' time${usd}${again}, and ${after}`
  );
}

/**
 * `3 interruptions (2 killed, 1 drained) cost 4.2 s of workers' time ($0.0042); training went on after 210 ms, and after
 * 430 ms in 95 % of them`, and what useful work cost. A line each.
 * @returns nothing for a run that had none
 */
export function describeInterruptions(summary: Summary): readonly string[] {
  const { interruptions, effective_usd_per_hour: effective, paid_usd_per_hour: paid } = summary;
  if (interruptions === undefined) return [];
  const { count, by_reason, wasted_seconds, wasted_usd, lost_steps } = interruptions;
  const { recovery_seconds_p50: median, recovery_seconds_p95: late } = interruptions;
  const reasons = interruptionReasons.flatMap((reason) => {
    const of = by_reason[reason];
    return of === undefined ? [] : `${formatCount(of.count)} ${reason}`;
  });
  const usd = wasted_usd > 0 ? ` (${formatUsd(wasted_usd)})` : '';
  const again = lost_steps === 0 ? '' : `, ${formatCount(lost_steps)} steps were trained again`;
  const after =
    median === null
      ? ''
      : `; training went on after ${formatRecovery(median)}` +
        (late === null || count === 1 ? '' : `, and after ${formatRecovery(late)} in 95 % of them`);
  return [
    `${count === 1 ? '1 interruption' : `${formatCount(count)} interruptions`} (${reasons.join(', ')}) cost ` +
      `${formatSeconds(wasted_seconds)} of workers' time${usd}${again}${after}`,
    ...(effective === undefined || paid === undefined
      ? []
      : [`an hour of a worker's useful work cost ${formatUsd(effective)}, at ${formatUsd(paid)} an hour`]),
  ];
}

/** Recoveries often take less than a second: `85 ms`, `1.2 s`. */
export function formatRecovery(seconds: number): string {
  return seconds < 0.9995 ? `${Math.round(seconds * 1000)} ms` : formatSeconds(seconds);
}
