/** A comparison in words: what the terminal and the HTML report both say. */
import type { Estimate } from '../core/confidence.ts';
import type { BreakEven, ComparedPoint, Comparison, Marginal } from './comparison.ts';
import { formatCount, formatPercent, formatUsd } from './number-format.ts';

/** `3,141 (3,020–3,260)`: the value and its 95 % confidence interval. */
export function formatEstimate({ value, interval }: Estimate, format: (value: number) => string): string {
  return interval === undefined ? format(value) : `${format(value)} (${interval.map(format).join('–')})`;
}

/** `91 % (85–97)` */
export function formatEfficiency(efficiency: Estimate | undefined): string {
  if (efficiency === undefined) return '';
  const { value, interval } = efficiency;
  const range = interval === undefined ? '' : ` (${interval.map((end) => (100 * end).toFixed(0)).join('–')})`;
  return `${formatPercent(value, 0)}${range}`;
}

/** `$0.18/h`, a minus before what would have to be paid. */
export function formatPrice(usdPerHour: number): string {
  return `${usdPerHour < 0 ? '-' : ''}${formatUsd(Math.abs(usdPerHour))}/h`;
}

/** `w3 adds 11 % speed for 20 % of the bill: drop it unless speed is worth more, it pays below $0.18/h (measured)`, in brackets 95 % confidence */
export function describeMarginal(marginal: Marginal): string {
  const { worker, speedGain, speedGainInterval, billShare, breakEvenUsdPerHour, usdPerHour, verdict } = marginal;
  const interval = speedGainInterval?.map((end) => (100 * end).toFixed(0)).join(' to ');
  const gain = `${formatPercent(speedGain, 0)}${interval === undefined ? '' : ` (${interval})`}`;
  const basis = `(${marginal.basis}${marginal.uncertain ? ', but within the spread of its repeats' : ''})`;
  const share = `${formatPercent(billShare, 0)} of the bill`;
  switch (verdict) {
    case 'slows the others down':
      return `${worker} adds ${gain} speed for ${share}: drop it at any price ${basis}`;
    case 'pays': {
      const until = usdPerHour === 0 ? 'it is free' : `it pays up to ${formatPrice(breakEvenUsdPerHour)}`;
      return `${worker} adds ${gain} speed for ${share}: keep it, ${until} ${basis}`;
    }
    case 'costs more than it brings':
      return `${worker} adds ${gain} speed for ${share}: drop it unless speed is worth more, it pays below ${formatPrice(breakEvenUsdPerHour)} ${basis}`;
    default:
      return verdict satisfies never;
  }
}

/** `cpu alone breaks even with wasm of $0.40/h at $0.10/h, batch 64; at $0.12/h it is too dear` */
export function describeBreakEven(breakEven: BreakEven): string {
  const { kind, reference, referenceUsdPerHour, breakEvenUsdPerHour, globalBatchSize, usdPerHour } = breakEven;
  const verdict =
    usdPerHour === undefined
      ? ''
      : usdPerHour <= breakEvenUsdPerHour.value
        ? `; at ${formatPrice(usdPerHour)} it does the same for less`
        : `; at ${formatPrice(usdPerHour)} it is too dear`;
  return (
    `${kind} alone breaks even with ${reference} of ${formatPrice(referenceUsdPerHour)} at ` +
    `${formatEstimate(breakEvenUsdPerHour, formatPrice)}, batch ${formatCount(globalBatchSize)}${verdict}`
  );
}

export function pointName({ name, globalBatchSize }: Pick<ComparedPoint, 'name' | 'globalBatchSize'>): string {
  return `${name}, batch ${formatCount(globalBatchSize)}`;
}

/** The two ends of the Pareto front, in a sentence each. */
export function describeBest({ points, cheapest, fastest }: Comparison): readonly string[] {
  const quickest = points[fastest];
  const best = cheapest === undefined ? undefined : points[cheapest];
  return [
    ...(quickest === undefined
      ? []
      : [`fastest: ${pointName(quickest)}, ${quickest.secondsPerEpoch.toFixed(1)} s an epoch${costOf(quickest)}`]),
    ...(best === undefined
      ? []
      : [`cheapest: ${pointName(best)}, ${best.secondsPerEpoch.toFixed(1)} s an epoch${costOf(best)}`]),
  ];
}

function costOf({ costPerEpochUsd }: ComparedPoint): string {
  return costPerEpochUsd === undefined ? '' : ` for ${formatUsd(costPerEpochUsd)}`;
}
