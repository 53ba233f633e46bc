/** A comparison in words: what the terminal and the HTML report both say. */
import type { Estimate } from '../core/confidence.ts';
import type { BreakEven, ComparedPoint, Comparison } from './comparison.ts';
import type { Addition, Growth } from './growth.ts';
import type { Marginal } from './marginal.ts';
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

/** Growths of several steps, which have a table of their own. */
export function longGrowths({ growths }: Pick<Comparison, 'growths'>): readonly Growth[] {
  return growths.filter(({ additions }) => additions.length > 1);
}

/** A sentence for each worker that no table of a growth has. */
export function describeMarginals({ points, growths }: Pick<Comparison, 'points' | 'growths'>): readonly string[] {
  const long = longGrowths({ growths });
  return points.flatMap((point, index) =>
    point.marginals
      .filter(({ kind }) => !long.some((growth) => growth.kind === kind && growth.points.includes(index)))
      .map((one) => `${pointName(point)}: ${describeMarginal(one)}`),
  );
}

/** `wasm at 25 % speed of $0.20/h beside 1 × wasm, batch 64` */
export function growthName({ kind, usdPerHour, beside, globalBatchSize }: Growth): string {
  return [
    `${kind}${usdPerHour === undefined ? '' : ` of ${formatPrice(usdPerHour)}`}`,
    ...(beside === undefined ? [] : [` beside ${beside}`]),
    `, batch ${formatCount(globalBatchSize)}`,
  ].join('');
}

/**
 * When the workers of a kind pay, in a sentence: `at $0.20/h the 1st pays, the 2nd and 3rd cost more than they bring,
 * the 4th slows the others down: waiting and communication take more than it brings; a sample costs least with 1 of them`
 */
export function describeGrowth({ additions, cheapestCount, usdPerHour = 0 }: Growth): string {
  const verdicts = additions.reduce<Addition[][]>((runs, addition) => {
    const last = runs.at(-1);
    if (last?.[0]?.verdict === addition.verdict) last.push(addition);
    else runs.push([addition]);
    return runs;
  }, []);
  const parts = verdicts.map((run) => describeVerdict(run));
  const unsure = additions.filter(({ uncertain }) => uncertain).map(({ count }) => ordinal(count));
  const spread = unsure.length === 0 ? '' : ` (of the ${joinWords(unsure)} that is within the spread of the repeats)`;
  const few = cheapestCount === 0 ? 'without any of them' : `with ${cheapestCount} of them`;
  const least = cheapestCount === undefined ? '' : `; a sample costs least ${few}`;
  return `at ${formatPrice(usdPerHour)} ${parts.join(', ')}${spread}${least}`;
}

function describeVerdict(run: readonly Addition[]): string {
  const several = run.length > 1;
  const which = `the ${joinWords(run.map(({ count }) => ordinal(count)))}`;
  const verdict = run[0]?.verdict ?? 'pays';
  switch (verdict) {
    case 'pays':
      return `${which} ${several ? 'pay' : 'pays'}`;
    case 'costs more than it brings':
      return `${which} ${several ? 'cost more than they bring' : 'costs more than it brings'}`;
    case 'slows the others down':
      return several
        ? `${which} slow the others down: waiting and communication take more than they bring`
        : `${which} slows the others down: waiting and communication take more than it brings`;
    default:
      return verdict satisfies never;
  }
}

/** `1st`, `2nd`, `11th` */
export function ordinal(count: number): string {
  const teen = count % 100 > 10 && count % 100 < 14;
  const ending = teen ? 'th' : (['th', 'st', 'nd', 'rd'][count % 10] ?? 'th');
  return `${count}${ending}`;
}

/** `1st, 2nd and 3rd` */
function joinWords(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
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
