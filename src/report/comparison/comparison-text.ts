/** A comparison in sentences, for both the terminal and the HTML report. */

import type { BreakEven } from '../../economics/comparison/break-even.ts';
import type { ComparedPoint } from '../../economics/comparison/compared-point.ts';
import type { Comparison } from '../../economics/comparison/comparison.ts';
import type { Addition, Growth } from '../../economics/comparison/growth.ts';
import type { Marginal } from '../../economics/comparison/marginal.ts';
import type { Estimate } from '../../economics/models/confidence.ts';
import { formatCount, formatPercent, formatUsd } from '../../shared/core/number-format.ts';

/** An interval whose end is more than this many times its beginning only says that there were too few repeats. */
const widest = 10;
/** Shown in place of such an interval. */
const wideInTable = 'wide';
const wideInProse = 'wide: too few repeats';

type Interval = readonly [low: number, high: number];

/** @param interval of a ratio, or of a figure that is proportional to one */
function isWide([low, high]: Interval): boolean {
  return high > widest * low;
}

/** `3,141 (3,020–3,260)`: a value and its 95 % confidence interval. */
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

/** ` (47 to 53)`, to follow a speed gain or a figure derived from one; empty without an interval. */
export function formatGainInterval(
  { speedGainInterval: gains }: Pick<Marginal, 'speedGainInterval'>,
  interval: Interval | undefined,
  format: (end: number) => string,
  wide = wideInTable,
): string {
  if (interval === undefined || gains === undefined) return '';
  return ` (${isWide([1 + gains[0], 1 + gains[1]]) ? wide : interval.map(format).join(' to ')})`;
}

/** `$0.18/h`, or `-$0.18/h`. */
export function formatPrice(usdPerHour: number): string {
  return `${usdPerHour < 0 ? '-' : ''}${formatUsd(Math.abs(usdPerHour))}/h`;
}

/**
 * `w3 adds 11 % (9 to 13) speed for 20 % of the bill: drop it unless speed is worth more to you; it pays below $0.18/h
 * (measured)`; the first brackets hold the 95 % confidence interval.
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
    if (isEither) return 'these repeats do not show whether it speeds training up or slows it down';
    const range = formatGainInterval(marginal, breakEvenIntervalUsdPerHour, formatPrice, wideInProse);
    return `these repeats do not show whether it pays at ${formatPrice(usdPerHour)}; it breaks even at ${price}${range}`;
  }
  switch (verdict) {
    case 'slows the others down':
      return 'drop it at any price';
    case 'pays':
      return `keep it: ${usdPerHour === 0 ? 'it is free' : `it pays up to ${price}`}`;
    case 'costs more than it brings':
      return `drop it unless speed is worth more to you; it pays below ${price}`;
    default:
      return verdict satisfies never;
  }
}

/** Growths with several added workers, which get a table of their own. */
export function longGrowths({ growths }: Pick<Comparison, 'growths'>): readonly Growth[] {
  return growths.filter(({ additions }) => additions.length > 1);
}

/** A sentence for each worker that is in no growth's table. */
export function describeMarginals({ points, growths }: Pick<Comparison, 'points' | 'growths'>): readonly string[] {
  const long = longGrowths({ growths });
  return points.flatMap((point, index) =>
    point.marginals
      .filter(({ kind }) => !long.some((growth) => growth.kind === kind && growth.points.includes(index)))
      .map((one) => `${pointName(point)}: ${describeMarginal(one)}`),
  );
}

/** `wasm emulated at 25 % speed ($0.20/h) beside 1 × wasm, batch 64` */
export function growthName({ kind, usdPerHour, beside, globalBatchSize }: Growth): string {
  return [
    `${kind}${usdPerHour === undefined ? '' : ` (${formatPrice(usdPerHour)})`}`,
    ...(beside === undefined ? [] : [` beside ${beside}`]),
    `, batch ${formatCount(globalBatchSize)}`,
  ].join('');
}

/**
 * Which workers of a kind pay: `at $0.20/h the 1st pays, the 2nd and 3rd cost more than they bring, the 4th slows the
 * others down: waiting and communication take more time than it saves; a sample costs least with 1 of them`
 */
export function describeGrowth({ additions, cheapestCount, usdPerHour = 0 }: Growth): string {
  const verdictOf = ({ verdict, uncertain }: Addition) => (uncertain ? 'uncertain' : verdict);
  const verdicts = additions.reduce<[Addition, ...Addition[]][]>((runs, addition) => {
    const last = runs.at(-1);
    if (last !== undefined && verdictOf(last[0]) === verdictOf(addition)) last.push(addition);
    else runs.push([addition]);
    return runs;
  }, []);
  const few = cheapestCount === 0 ? 'without any of them' : `with ${cheapestCount} of them`;
  // Where a verdict is uncertain, so is which fleet is the cheapest.
  const measured = additions.some(({ uncertain }) => uncertain) ? 'on average over these repeats ' : '';
  const least = cheapestCount === undefined ? '' : `; ${measured}a sample costs least ${few}`;
  return `at ${formatPrice(usdPerHour)} ${verdicts.map(describeVerdict).join(', ')}${least}`;
}

/** @param run additions with the same verdict */
function describeVerdict(run: readonly [Addition, ...Addition[]]): string {
  const several = run.length > 1;
  const which = `the ${joinWords(run.map(({ count }) => ordinal(count)))}`;
  const [{ verdict, uncertain }] = run;
  if (uncertain) return `whether ${which} ${several ? 'pay' : 'pays'} is uncertain`;
  switch (verdict) {
    case 'pays':
      return `${which} ${several ? 'pay' : 'pays'}`;
    case 'costs more than it brings':
      return `${which} ${several ? 'cost more than they bring' : 'costs more than it brings'}`;
    case 'slows the others down':
      return several
        ? `${which} slow the others down: waiting and communication take more time than they save`
        : `${which} slows the others down: waiting and communication take more time than it saves`;
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

/** `cpu alone breaks even with wasm ($0.40/h) at $0.10/h, batch 64; at $0.12/h it is too expensive` */
export function describeBreakEven(breakEven: BreakEven): string {
  const { kind, reference, referenceUsdPerHour, breakEvenUsdPerHour, globalBatchSize, usdPerHour } = breakEven;
  const price = formatEstimate(breakEvenUsdPerHour, formatPrice, wideInProse);
  return (
    `${kind} alone breaks even with ${reference} (${formatPrice(referenceUsdPerHour)}) at ${price}, ` +
    `batch ${formatCount(globalBatchSize)}${usdPerHour === undefined ? '' : `; ${judgePrice(breakEvenUsdPerHour, usdPerHour)}`}`
  );
}

function judgePrice({ value, interval }: Estimate, usdPerHour: number): string {
  const price = formatPrice(usdPerHour);
  if (interval !== undefined && interval[0] < usdPerHour && usdPerHour < interval[1]) {
    return `these repeats do not show whether it does the same for less at ${price}`;
  }
  return usdPerHour <= value ? `at ${price} it does the same for less` : `at ${price} it is too expensive`;
}

export function pointName({ name, globalBatchSize }: Pick<ComparedPoint, 'name' | 'globalBatchSize'>): string {
  return `${name}, batch ${formatCount(globalBatchSize)}`;
}

/** The fastest and the cheapest point, a sentence each. */
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
