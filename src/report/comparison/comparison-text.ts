/** A comparison in words: what the terminal and the HTML report both say. */

import type { BreakEven } from '../../economics/comparison/break-even.ts';
import type { ComparedPoint } from '../../economics/comparison/compared-point.ts';
import type { Comparison } from '../../economics/comparison/comparison.ts';
import type { Addition, Growth } from '../../economics/comparison/growth.ts';
import type { Marginal } from '../../economics/comparison/marginal.ts';
import type { Estimate } from '../../economics/models/confidence.ts';
import { formatCount, formatPercent, formatUsd } from '../../shared/core/number-format.ts';

/** Of an interval whose end is so many times its beginning nothing can be read but that there were too few repeats. */
const widest = 10;
/** What stands for such an interval. */
const wideInTable = 'wide';
const wideInProse = 'wide: too few repeats';
const untold = 'cannot be told from these repeats';

type Interval = readonly [low: number, high: number];

/** @param interval of a ratio, or of what is proportional to one */
function isWide([low, high]: Interval): boolean {
  return high > widest * low;
}

/** `3,141 (3,020–3,260)`: the value and its 95 % confidence interval. */
export function formatEstimate(
  { value, interval }: Estimate,
  format: (value: number) => string,
  wide = wideInTable,
): string {
  if (interval === undefined) return format(value);
  return `${format(value)} (${isWide(interval) ? wide : interval.map(format).join('–')})`;
}

/** `91 % (85–97)` */
export function formatEfficiency(efficiency: Estimate | undefined): string {
  if (efficiency === undefined) return '';
  const { value, interval } = efficiency;
  if (interval === undefined) return formatPercent(value, 0);
  const range = isWide(interval) ? wideInTable : interval.map((end) => (100 * end).toFixed(0)).join('–');
  return `${formatPercent(value, 0)} (${range})`;
}

/** ` (47 to 53)` after a gain of speed, or what follows from it; nothing without an interval. */
export function formatGainInterval(
  { speedGainInterval: gains }: Pick<Marginal, 'speedGainInterval'>,
  interval: Interval | undefined,
  format: (end: number) => string,
  wide = wideInTable,
): string {
  if (interval === undefined || gains === undefined) return '';
  return ` (${isWide([1 + gains[0], 1 + gains[1]]) ? wide : interval.map(format).join(' to ')})`;
}

/** `$0.18/h`, a minus before what would have to be paid. */
export function formatPrice(usdPerHour: number): string {
  return `${usdPerHour < 0 ? '-' : ''}${formatUsd(Math.abs(usdPerHour))}/h`;
}

/**
 * `w3 adds 11 % (9 to 13) speed for 20 % of the bill: drop it unless speed is worth more, it pays below $0.18/h
 * (measured)`, in brackets 95 % confidence
 */
export function describeMarginal(marginal: Marginal): string {
  const repeated = marginal.basis === 'modelled' || marginal.speedGainInterval !== undefined;
  const basis = repeated ? marginal.basis : `${marginal.basis}, without repeats`;
  const share = `${formatPercent(marginal.billShare, 0)} of the bill`;
  return `${marginal.worker} ${describeGain(marginal)} for ${share}: ${describeAdvice(marginal)} (${basis})`;
}

/** `adds 11 % (9 to 13) speed`, `slows the others by 22 % (16 to 28)` */
function describeGain(marginal: Marginal): string {
  const { speedGain, speedGainInterval: interval } = marginal;
  const percents = (ends: Interval | undefined) =>
    formatGainInterval(marginal, ends, (end) => (100 * end).toFixed(0), wideInProse);
  if (speedGain >= 0) return `adds ${formatPercent(speedGain, 0)}${percents(interval)} speed`;
  return `slows the others by ${formatPercent(-speedGain, 0)}${percents(interval && [-interval[1], -interval[0]])}`;
}

function describeAdvice(marginal: Marginal): string {
  const { speedGainInterval, breakEvenUsdPerHour, breakEvenIntervalUsdPerHour, usdPerHour, verdict } = marginal;
  const price = formatPrice(breakEvenUsdPerHour);
  if (marginal.uncertain) {
    const isEither = speedGainInterval !== undefined && speedGainInterval[0] < 0 && speedGainInterval[1] > 0;
    if (isEither) return `whether it speeds up or slows down ${untold}`;
    const range = formatGainInterval(marginal, breakEvenIntervalUsdPerHour, formatPrice, wideInProse);
    return `whether it pays at ${formatPrice(usdPerHour)} ${untold}, it breaks even at ${price}${range}`;
  }
  switch (verdict) {
    case 'slows the others down':
      return 'drop it at any price';
    case 'pays':
      return `keep it, ${usdPerHour === 0 ? 'it is free' : `it pays up to ${price}`}`;
    case 'costs more than it brings':
      return `drop it unless speed is worth more, it pays below ${price}`;
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
  const kindOf = ({ verdict, uncertain }: Addition) => (uncertain ? untold : verdict);
  const verdicts = additions.reduce<[Addition, ...Addition[]][]>((runs, addition) => {
    const last = runs.at(-1);
    if (last !== undefined && kindOf(last[0]) === kindOf(addition)) last.push(addition);
    else runs.push([addition]);
    return runs;
  }, []);
  const few = cheapestCount === 0 ? 'without any of them' : `with ${cheapestCount} of them`;
  // Where a verdict is open, so is which fleet is the cheapest.
  const measured = additions.some(({ uncertain }) => uncertain) ? 'by the mean of these repeats ' : '';
  const least = cheapestCount === undefined ? '' : `; ${measured}a sample costs least ${few}`;
  return `at ${formatPrice(usdPerHour)} ${verdicts.map(describeVerdict).join(', ')}${least}`;
}

/** @param run of additions of which the same is to be said */
function describeVerdict(run: readonly [Addition, ...Addition[]]): string {
  const several = run.length > 1;
  const which = `the ${joinWords(run.map(({ count }) => ordinal(count)))}`;
  const [{ verdict, uncertain }] = run;
  if (uncertain) return `of ${which} it ${untold}`;
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
  const price = formatEstimate(breakEvenUsdPerHour, formatPrice, wideInProse);
  return (
    `${kind} alone breaks even with ${reference} of ${formatPrice(referenceUsdPerHour)} at ${price}, ` +
    `batch ${formatCount(globalBatchSize)}${usdPerHour === undefined ? '' : `; ${judgePrice(breakEvenUsdPerHour, usdPerHour)}`}`
  );
}

function judgePrice({ value, interval }: Estimate, usdPerHour: number): string {
  const price = formatPrice(usdPerHour);
  if (interval !== undefined && interval[0] < usdPerHour && usdPerHour < interval[1]) {
    return `whether it does the same for less at ${price} ${untold}`;
  }
  return usdPerHour <= value ? `at ${price} it does the same for less` : `at ${price} it is too dear`;
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
