/** A comparison in sentences, for both the terminal and the HTML report. */

import type { BreakEven } from '../../economics/comparison/break-even.ts';
import type { ComparedPoint } from '../../economics/comparison/compared-point.ts';
import type { Comparison } from '../../economics/comparison/comparison.ts';
import type { Addition, Growth } from '../../economics/comparison/growth.ts';
import type { KnownVerdict, Marginal } from '../../economics/comparison/marginal.ts';
import type { EpochsNeeded } from '../../economics/comparison/reached-accuracy.ts';
import type { MissedAccuracy, ToAccuracy } from '../../economics/comparison/to-accuracy.ts';
import type { Estimate, Interval } from '../../economics/models/confidence.ts';
import { formatCount, formatPercent, formatSeconds, formatUsd } from '../../shared/core/number-format.ts';

/** An interval whose end is more than this many times its beginning only says that there were too few repeats. */
const widest = 10;
/** Shown in place of such an interval. */
const wideInTable = 'wide';
const wideInProse = 'wide: too few repeats';

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
  gains: Interval | undefined,
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

/** `+11 %`, `-20 %` */
function formatIncrease(change: number): string {
  const percent = formatPercent(change, 0);
  return change < 0 ? percent : `+${percent}`;
}

/** `+100 % cost`: the price of the fleet with the worker over that of the fleet without it. */
export function formatCostIncrease({
  costIncrease,
  usdPerHour,
}: Pick<Marginal, 'costIncrease' | 'usdPerHour'>): string {
  if (costIncrease !== undefined) return `${formatIncrease(costIncrease)} cost`;
  return usdPerHour === 0 ? 'no cost' : 'all of the cost';
}

/**
 * `w3: +11 % (9 to 13) speed for +25 % cost: drop it unless speed is worth more to you; it pays below $0.18/h ($0.14/h to
 * $0.21/h) (measured)`; brackets hold 95 % confidence intervals.
 */
export function describeMarginal(marginal: Marginal): string {
  if (marginal.basis === 'unknown') {
    return `${marginal.worker}: what it brings for ${formatCostIncrease(marginal)} is unknown: measure the fleet without it`;
  }
  const { speedGain, speedGainInterval: interval } = marginal;
  const percents = formatGainInterval(interval, interval, (end) => (100 * end).toFixed(0), wideInProse);
  const gain = `${formatIncrease(speedGain)}${percents} speed for ${formatCostIncrease(marginal)}`;
  return `${marginal.worker}: ${gain}: ${describeAdvice(marginal)} (${describeBasis(marginal)})`;
}

function describeBasis({ basis, speedGainInterval }: KnownVerdict): string {
  if (basis === 'modelled') return 'modelled: how workers share the cores of a host is not known';
  return speedGainInterval === undefined ? 'measured, without repeats' : 'measured';
}

function describeAdvice(marginal: KnownVerdict & Marginal): string {
  const { speedGainInterval, breakEvenUsdPerHour, breakEvenIntervalUsdPerHour, usdPerHour, verdict } = marginal;
  const range = formatGainInterval(speedGainInterval, breakEvenIntervalUsdPerHour, formatPrice, wideInProse);
  const price = `${formatPrice(breakEvenUsdPerHour)}${range}`;
  const paysBelow =
    breakEvenUsdPerHour > 0 ? `it pays below ${price}` : `it pays at no price: its break-even price is ${price}`;
  const shown = marginal.basis === 'measured' ? 'these repeats do not show' : 'the model does not tell';
  if (marginal.uncertain) {
    const evenAt = breakEvenUsdPerHour > 0 ? `it breaks even at ${price}` : `on average ${paysBelow}`;
    return `${shown} whether it pays at ${formatPrice(usdPerHour)}; ${evenAt}`;
  }
  switch (verdict) {
    case 'slows the others down':
      return 'drop it at any price';
    case 'pays':
      return `keep it: ${usdPerHour === 0 ? 'it is free' : `it pays up to ${price}`}`;
    case 'costs more than it brings':
      return speedGainInterval !== undefined && speedGainInterval[0] < 0
        ? `drop it: ${shown} that it brings any speed, and ${paysBelow}`
        : `drop it unless speed is worth more to you; ${paysBelow}`;
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
export function describeGrowth({ additions, cheapestCount, cheapestTied, usdPerHour = 0 }: Growth): string {
  const verdictOf = ({ basis, verdict, uncertain }: Addition) =>
    basis === 'unknown' ? basis : uncertain ? 'uncertain' : verdict;
  const verdicts = additions.reduce<[Addition, ...Addition[]][]>((runs, addition) => {
    const last = runs.at(-1);
    if (last !== undefined && verdictOf(last[0]) === verdictOf(addition)) last.push(addition);
    else runs.push([addition]);
    return runs;
  }, []);
  const least = cheapestCount === undefined ? '' : `; ${describeCheapestCount(cheapestCount, cheapestTied)}`;
  return `at ${formatPrice(usdPerHour)} ${verdicts.map(describeVerdict).join(', ')}${least}`;
}

/** `a sample costs least with 1 of them; these repeats do not tell that from 2 of them` */
function describeCheapestCount(count: number, tied: readonly number[]): string {
  if (tied.length === 0) return `a sample costs least ${count === 0 ? 'without any of them' : `with ${count} of them`}`;
  const counts = [count, ...tied].sort((a, b) => a - b).map((one) => (one === 0 ? 'none' : `${one}`));
  return `these repeats do not show whether a sample costs least with ${joinWords(counts, 'or')} of them`;
}

/** @param run additions with the same verdict */
function describeVerdict(run: readonly [Addition, ...Addition[]]): string {
  const several = run.length > 1;
  const which = `the ${joinWords(run.map(({ count }) => ordinal(count)))}`;
  const [first] = run;
  if (first.basis === 'unknown' || first.uncertain) {
    return `whether ${which} ${several ? 'pay' : 'pays'} is ${first.basis === 'unknown' ? first.basis : 'uncertain'}`;
  }
  switch (first.verdict) {
    case 'pays':
      return `${which} ${several ? 'pay' : 'pays'}`;
    case 'costs more than it brings':
      return `${which} ${several ? 'cost more than they bring' : 'costs more than it brings'}`;
    case 'slows the others down':
      return several
        ? `${which} slow the others down: waiting and communication take more time than they save`
        : `${which} slows the others down: waiting and communication take more time than it saves`;
    default:
      return first satisfies never;
  }
}

/** `1st`, `2nd`, `11th` */
export function ordinal(count: number): string {
  const teen = count % 100 > 10 && count % 100 < 14;
  const ending = teen ? 'th' : (['th', 'st', 'nd', 'rd'][count % 10] ?? 'th');
  return `${count}${ending}`;
}

/** `1st, 2nd and 3rd` */
export function joinWords(words: readonly string[], conjunction = 'and'): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${conjunction} ${words.at(-1)}`;
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

/** The fastest and the cheapest point, a sentence each, with those that may be as fast or as cheap. */
export function describeBest({ points, ...best }: Comparison): readonly string[] {
  const figures = ({ secondsPerEpoch, costPerEpochUsd: usd, epochExtrapolated }: ComparedPoint, seconds: string) =>
    `${secondsPerEpoch.toFixed(1)} ${seconds}${usd === undefined ? '' : ` for ${formatUsd(usd)}`}` +
    (epochExtrapolated ? ', extrapolated' : '');
  const describe = (what: string, index: number | undefined, tied: readonly number[]) =>
    describeLowest(what, points, index, tied, {
      long: (point) => figures(point, 's an epoch'),
      short: (point) => figures(point, 's'),
    });
  return [
    ...describe('fastest', best.fastest, best.fastestTied),
    ...describe('cheapest', best.cheapest, best.cheapestTied),
  ];
}

/** The fastest and the cheapest point to an accuracy, and the runs that did not reach it. */
export function describeToAccuracy(all: readonly ComparedPoint[], toAccuracy: ToAccuracy): readonly string[] {
  const figures = (point: ComparedPoint) => {
    const { seconds, billedUsd: usd } = toAccuracy.points.find((one) => all[one.point] === point) ?? {};
    return `${formatSeconds(seconds?.value ?? 0)}${usd === undefined ? '' : `, billed ${formatUsd(usd.value)}`}`;
  };
  const describe = (what: string, index: number | undefined, tied: readonly number[]) =>
    describeLowest(what, all, index, tied, { long: figures, short: figures });
  return [
    ...describe('fastest', toAccuracy.fastest, toAccuracy.fastestTied),
    ...describe('cheapest', toAccuracy.cheapest, toAccuracy.cheapestTied),
    ...toAccuracy.missed.map(describeMissed),
  ];
}

/** `not reached: sweeps/a/w1, at most 97.51 %` */
export function describeMissed({ folder, bestAccuracy: best }: MissedAccuracy): string {
  return best === undefined
    ? `not reached: ${folder}, which had no test pass`
    : `not reached: ${folder}, at most ${formatPercent(best, 2)}`;
}

/** `cheapest: A, 9.3 s an epoch for $0.00026; these repeats do not tell it from B (9.5 s for $0.00027)` */
function describeLowest(
  what: string,
  points: readonly ComparedPoint[],
  index: number | undefined,
  tied: readonly number[],
  figures: Readonly<Record<'long' | 'short', (point: ComparedPoint) => string>>,
): readonly string[] {
  const point = index === undefined ? undefined : points[index];
  if (point === undefined) return [];
  const others = describeTied(
    tied.flatMap((at) => points[at] ?? []),
    (other) => `${pointName(other)} (${figures.short(other)})`,
  );
  return [`${what}: ${pointName(point)}, ${figures.long(point)}${others}`];
}

/** `To a test accuracy of 98 %` */
export function toAccuracyTitle({ accuracy }: ToAccuracy): string {
  return `To a test accuracy of ${formatTarget(accuracy)}`;
}

/** An accuracy as a user names it: `98 %`, `97.25 %`. */
export function formatTarget(accuracy: number): string {
  return `${Number((100 * accuracy).toFixed(6))} %`;
}

/** `2`, `1.5 (1–2)`: epochs that runs needed, and the fewest and the most of them. */
export function formatEpochs({ mean, fewest, most }: Omit<EpochsNeeded, 'runs'>): string {
  const count = (epochs: number) => String(Number(epochs.toFixed(2)));
  return fewest === most ? count(mean) : `${count(mean)} (${count(fewest)}–${count(most)})`;
}

/** Ties that a sentence names. */
const mostNamed = 4;

/** `; these repeats do not tell it from A, B and 3 more` */
export function describeTied<Item>(tied: readonly Item[], name: (item: Item) => string): string {
  if (tied.length === 0) return '';
  return `; these repeats do not tell it from ${joinFirst(tied.map(name), mostNamed)}`;
}

/** `A, B and 3 more` */
export function joinFirst(words: readonly string[], most: number): string {
  const more = words.length - most;
  return joinWords(more > 0 ? [...words.slice(0, most), `${more} more`] : words);
}
