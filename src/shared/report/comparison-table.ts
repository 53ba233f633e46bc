/** A comparison for the terminal. */

import { createPaint } from './colour.ts';
import type { ComparedPoint, Comparison } from './comparison.ts';
import {
  describeBest,
  describeBreakEven,
  describeMarginal,
  formatEfficiency,
  formatEstimate,
  pointName,
} from './comparison-text.ts';
import { formatCount, formatPercent, formatUsd } from './number-format.ts';
import { type Spending, type SpendingCategory, sumSpending, usedCategories } from './spending.ts';
import { type Column, renderTable } from './table.ts';

export function renderComparison(
  comparison: Comparison,
  options: { readonly columns: number; readonly colour: boolean },
): string {
  const paint = createPaint(options.colour);
  const { points, breakEvens, dataset, model, notes } = comparison;
  const table = (columns: readonly Column<ComparedPoint>[], rows = points) =>
    renderTable(columns, rows, { columns: options.columns, paint });
  const section = (title: string, body: string | readonly string[]) =>
    body.length === 0 ? [] : [`${paint('bold', title)}\n${typeof body === 'string' ? body : body.join('\n')}`];
  const priced = points.filter(({ costUsd }) => costUsd !== undefined);
  return `${[
    `${paint('bold', 'Measured')}: ${model.name} of ${formatCount(model.parameters)} parameters on ${dataset.name}; in brackets 95 % confidence (Welch's t-interval on logarithms)`,
    table(rateColumns(priced.length > 0)),
    ...section('Best', describeBest(comparison)),
    ...section('Where the time of a step went, of the mean worker', table(timeColumns(points))),
    ...section('Where the money of a run went', priced.length === 0 ? [] : table(moneyColumns(priced), priced)),
    ...section(
      'What a worker is worth',
      points.flatMap((point) => point.marginals.map((one) => `${pointName(point)}: ${describeMarginal(one)}`)),
    ),
    ...section('Break-even prices', breakEvens.map(describeBreakEven)),
    ...section('Mind', notes),
  ].join('\n\n')}\n`;
}

const nameColumns: readonly Column<ComparedPoint>[] = [
  { head: 'workers', cell: ({ name }) => name, align: 'left' },
  { head: 'batch', cell: ({ globalBatchSize }) => formatCount(globalBatchSize) },
];

export function rateColumns(priced: boolean): readonly Column<ComparedPoint>[] {
  const usd = (value: number | undefined) => (value === undefined ? 'no price' : formatUsd(value));
  return [
    ...nameColumns,
    { head: 'runs', cell: ({ runs }) => formatCount(runs.length), expendable: 4 },
    { head: 'samples/s', cell: ({ samplesPerSecond }) => formatEstimate(samplesPerSecond, formatCount) },
    { head: 'strong', cell: ({ strong }) => formatEfficiency(strong) },
    { head: 'weak', cell: ({ weak }) => formatEfficiency(weak), expendable: 2 },
    { head: 's/epoch', cell: ({ secondsPerEpoch }) => secondsPerEpoch.toFixed(1) },
    ...(priced
      ? ([
          { head: '$/epoch', cell: ({ costPerEpochUsd }) => usd(costPerEpochUsd) },
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

/** A column for the sum, and one for the share of each category that anything was spent on. */
function spendingColumns(
  sum: Column<ComparedPoint>,
  points: readonly ComparedPoint[],
  of: (point: ComparedPoint) => Spending | undefined,
): readonly Column<ComparedPoint>[] {
  return [
    ...nameColumns,
    sum,
    ...usedCategories(points.flatMap((point) => of(point) ?? [])).map(
      (category): Column<ComparedPoint> => ({
        head: category,
        cell: (point) => shareOf(of(point), category),
      }),
    ),
  ];
}

function timeColumns(points: readonly ComparedPoint[]): readonly Column<ComparedPoint>[] {
  const step = ({ stepSeconds }: ComparedPoint) => (1000 * sumSpending(stepSeconds)).toFixed(2);
  return spendingColumns({ head: 'step ms', cell: step }, points, ({ stepSeconds }) => stepSeconds);
}

function moneyColumns(points: readonly ComparedPoint[]): readonly Column<ComparedPoint>[] {
  const run = ({ costOfRunUsd = 0 }: ComparedPoint) => formatUsd(costOfRunUsd);
  return spendingColumns({ head: 'run', cell: run }, points, ({ costUsd }) => costUsd);
}

function shareOf(spending: Spending | undefined, category: SpendingCategory): string {
  if (spending === undefined) return '';
  const total = sumSpending(spending);
  return formatPercent(total > 0 ? spending[category] / total : 0);
}
