/** A comparison as the terminal's tables, and the columns that HTML reports share. */

import type { ComparedPoint } from '../../economics/comparison/compared-point.ts';
import type { Comparison } from '../../economics/comparison/comparison.ts';
import type { Addition } from '../../economics/comparison/growth.ts';
import { type Spending, sumSpending, usedCategories } from '../../economics/comparison/spending.ts';
import type { PointToAccuracy } from '../../economics/comparison/to-accuracy.ts';
import type { LedgerCategory } from '../../economics/ledger/ledger.ts';
import type { Estimate } from '../../economics/models/confidence.ts';
import { formatCount, formatPercent, formatUsd, formatUsdToDigits } from '../../shared/core/number-format.ts';
import { createPaint } from '../terminal/colour.ts';
import { type Column, renderTable } from '../terminal/table.ts';
import { wrapText } from '../terminal/wrap-text.ts';
import {
  describeBest,
  describeBreakEven,
  describeGrowth,
  describeMarginals,
  describeToAccuracy,
  formatEfficiency,
  formatEpochs,
  formatEstimate,
  formatGainInterval,
  formatPrice,
  growthName,
  longGrowths,
  ordinal,
  toAccuracyTitle,
} from './comparison-text.ts';

export function renderComparison(
  comparison: Comparison,
  options: { readonly columns: number; readonly colour: boolean },
): string {
  const paint = createPaint(options.colour);
  const { points, breakEvens, dataset, model, notes, toAccuracy } = comparison;
  const table = <Row>(columns: readonly Column<Row>[], rows: readonly Row[]) =>
    renderTable(columns, rows, { columns: options.columns, paint });
  const prose = (lines: readonly string[]) => lines.map((line) => wrapText(line, options.columns));
  const section = (title: string, body: string | readonly string[]) =>
    body.length === 0 ? [] : [`${paint('bold', title)}\n${typeof body === 'string' ? body : body.join('\n')}`];
  const priced = points.filter(({ costUsd }) => costUsd !== undefined);
  return `${[
    wrapText(
      `Measured: ${model.name} with ${formatCount(model.parameters)} parameters on ${dataset.name}; brackets: 95 % confidence (Welch's t-interval on logarithms)`,
      options.columns,
    ).replace('Measured', paint('bold', 'Measured')),
    table(rateColumns(priced.length > 0), points),
    ...section('Best', prose(describeBest(comparison))),
    ...(toAccuracy === undefined
      ? []
      : section(toAccuracyTitle(toAccuracy), [
          ...(toAccuracy.points.length === 0 ? [] : [table(accuracyColumns(points), toAccuracy.points)]),
          ...prose(describeToAccuracy(points, toAccuracy)),
        ])),
    ...section('Where the time of a step went, mean over workers', table(timeColumns(points), points)),
    ...section('Where the money of a run went', priced.length === 0 ? [] : table(moneyColumns(priced), priced)),
    ...longGrowths(comparison).flatMap((growth) =>
      section(`Adding workers: ${growthName(growth)}`, [
        table(additionColumns(points), growth.additions),
        ...prose([describeGrowth(growth)]),
      ]),
    ),
    ...section('What a worker is worth', prose(describeMarginals(comparison))),
    ...section('Break-even prices', prose(breakEvens.map(describeBreakEven))),
    ...section('Notes', prose(notes)),
  ].join('\n\n')}\n`;
}

const nameColumns: readonly Column<ComparedPoint>[] = [
  { head: 'workers', cell: ({ name }) => name, align: 'left' },
  { head: 'batch', cell: ({ globalBatchSize }) => formatCount(globalBatchSize) },
];

export function rateColumns(priced: boolean): readonly Column<ComparedPoint>[] {
  const usd = (value: number | undefined) => (value === undefined ? 'no price' : formatUsdToDigits(value));
  return [
    ...nameColumns,
    { head: 'runs', cell: ({ runs }) => formatCount(runs.length), expendable: 4 },
    { head: 'samples/s', cell: ({ samplesPerSecond }) => formatEstimate(samplesPerSecond, formatCount) },
    { head: 'strong', cell: ({ strong }) => formatEfficiency(strong) },
    { head: 'weak', cell: ({ weak }) => formatEfficiency(weak), expendable: 2 },
    {
      head: 's/epoch',
      cell: ({ secondsPerEpoch, epochExtrapolated }) =>
        `${secondsPerEpoch.toFixed(1)}${epochExtrapolated ? ' extrapolated' : ''}`,
    },
    ...(priced
      ? ([
          {
            head: '$/epoch',
            cell: ({ costPerEpochUsd, priceAssumed }) => `${usd(costPerEpochUsd)}${priceAssumed ? ' assumed' : ''}`,
          },
          { head: '$/1,000 samples', cell: (point) => usd(point.costPerThousandUsd), expendable: 3 },
          { head: 'front', cell: ({ onFront }) => (onFront ? '*' : '') },
        ] satisfies Column<ComparedPoint>[])
      : []),
    {
      head: 'test accuracy',
      cell: ({ testAccuracy }) => (testAccuracy === undefined ? '' : formatPercent(testAccuracy, 2)),
      expendable: 5,
    },
  ];
}

/** What each point took to an accuracy. @param points all points of the comparison */
export function accuracyColumns(points: readonly ComparedPoint[]): readonly Column<PointToAccuracy>[] {
  const usd = (estimated: Estimate | undefined) =>
    estimated === undefined ? 'no price' : formatEstimate(estimated, formatUsdToDigits);
  return [
    { head: 'workers', cell: ({ point }) => points[point]?.name ?? '', align: 'left' },
    { head: 'batch', cell: ({ point }) => formatCount(points[point]?.globalBatchSize ?? 0) },
    { head: 'runs', cell: (one) => `${one.epochs.runs} of ${points[one.point]?.runs.length}` },
    { head: 'epochs', cell: ({ epochs }) => formatEpochs(epochs) },
    { head: 'seconds', cell: ({ seconds }) => formatEstimate(seconds, (value) => value.toFixed(1)) },
    { head: 'cost', cell: (one) => usd(one.usd) },
    { head: 'billed', cell: (one) => usd(one.billedUsd), expendable: 1 },
  ];
}

/** Categories that are usually small. A narrow terminal drops the highest number first; HTML reports have them all. */
const smallCategories: Partial<Record<LedgerCategory, number>> = { load: 3, idle: 2, other: 1 };

/**
 * Columns for the sums, and one for the share of each category that anything was spent on.
 * @param beside the part of the sums that belongs to no category
 */
function spendingColumns(
  sums: readonly Column<ComparedPoint>[],
  points: readonly ComparedPoint[],
  of: (point: ComparedPoint) => Spending | undefined,
  beside: (point: ComparedPoint) => number = () => 0,
): readonly Column<ComparedPoint>[] {
  return [
    ...nameColumns,
    ...sums,
    ...usedCategories(points.flatMap((point) => of(point) ?? [])).map(
      (category): Column<ComparedPoint> => ({
        head: category,
        cell: (point) => shareOf(of(point), category, beside(point)),
        expendable: smallCategories[category] ?? 0,
      }),
    ),
  ];
}

function timeColumns(points: readonly ComparedPoint[]): readonly Column<ComparedPoint>[] {
  const step = ({ stepSeconds }: ComparedPoint) => (1000 * sumSpending(stepSeconds)).toFixed(2);
  return spendingColumns([{ head: 'step ms', cell: step }], points, ({ stepSeconds }) => stepSeconds);
}

/** What a run cost: accrued, billed, and what the accrued cost was spent on. */
export function moneyColumns(points: readonly ComparedPoint[]): readonly Column<ComparedPoint>[] {
  const usd = (value: number | undefined) => (value === undefined ? '' : formatUsd(value));
  const sums: readonly Column<ComparedPoint>[] = [
    { head: 'run', cell: ({ costOfRunUsd }) => usd(costOfRunUsd) },
    { head: 'billed', cell: ({ billedOfRunUsd }) => usd(billedOfRunUsd) },
  ];
  const former = ({ formerCostUsd = 0 }: ComparedPoint) => formerCostUsd;
  const spent = spendingColumns(sums, points, ({ costUsd }) => costUsd, former);
  if (!points.some((point) => former(point) > 0)) return spent;
  const share = (point: ComparedPoint) => (former(point) > 0 ? former(point) / (point.costOfRunUsd ?? 0) : 0);
  return [...spent, { head: 'former workers', cell: (point) => formatPercent(share(point)) }];
}

/** What each added worker of a kind brings. @param points all points of the comparison */
export function additionColumns(points: readonly ComparedPoint[]): readonly Column<Addition>[] {
  const verdicts = {
    pays: 'pays',
    'costs more than it brings': 'costs more',
    'slows the others down': 'slows others',
    unknown: 'unknown',
  };
  const hourly = (usdPerHour: number) => formatPrice(usdPerHour).replace('/h', '');
  const plainPrice = (usdPerHour: number) => hourly(usdPerHour).replace('$', '');
  return [
    {
      head: 'worker',
      cell: ({ count, basis }) => `${ordinal(count)}${basis === 'measured' ? '' : `, ${basis}`}`,
      align: 'left',
    },
    {
      head: 'adds speed',
      cell: (addition) =>
        addition.basis === 'unknown'
          ? ''
          : `${formatPercent(addition.speedGain, 0)}${formatGainInterval(addition.speedGainInterval, addition.speedGainInterval, (end) => (100 * end).toFixed(0))}`,
    },
    {
      head: 'adds cost',
      cell: ({ costIncrease }) => (costIncrease === undefined ? '' : formatPercent(costIncrease, 0)),
    },
    {
      head: 'waiting',
      cell: ({ point }) => shareOf(points[point]?.stepSeconds, 'wait'),
      expendable: 2,
    },
    {
      head: 'pays below',
      cell: (addition) => {
        const { breakEvenUsdPerHour: price, breakEvenIntervalUsdPerHour: interval } = addition;
        return price === undefined
          ? ''
          : `${hourly(price)}${formatGainInterval(addition.speedGainInterval, interval, plainPrice)}`;
      },
    },
    {
      head: 'all pay below',
      cell: ({ breakEvenOfAllUsdPerHour: all }) =>
        all === undefined
          ? ''
          : `${hourly(all.value)}${all.interval === undefined ? '' : ` (${all.interval.map(plainPrice).join(' to ')})`}`,
      expendable: 1,
    },
    {
      head: 'verdict',
      cell: ({ basis, verdict, uncertain }) => (uncertain && basis !== 'unknown' ? 'uncertain' : verdicts[verdict]),
      align: 'left',
    },
  ];
}

function shareOf(spending: Spending | undefined, category: LedgerCategory, beside = 0): string {
  if (spending === undefined) return '';
  const total = sumSpending(spending) + beside;
  return formatPercent(total > 0 ? spending[category] / total : 0);
}
