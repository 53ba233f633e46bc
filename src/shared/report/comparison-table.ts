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
import { type Spending, type SpendingCategory, spendingCategories } from './spending.ts';
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
    ...section('Where the time of a step went, of the mean worker', table(timeColumns)),
    ...section('Where the money of a run went', priced.length === 0 ? [] : table(moneyColumns, priced)),
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

const timeColumns: readonly Column<ComparedPoint>[] = [
  ...nameColumns,
  { head: 'step ms', cell: ({ stepSeconds }) => (1000 * sum(stepSeconds)).toFixed(2) },
  ...spendingCategories.map(
    (category): Column<ComparedPoint> => ({
      head: category,
      cell: ({ stepSeconds }) => shareOf(stepSeconds, category),
    }),
  ),
];

const moneyColumns: readonly Column<ComparedPoint>[] = [
  ...nameColumns,
  { head: 'run', cell: ({ costOfRunUsd = 0 }) => formatUsd(costOfRunUsd) },
  ...spendingCategories.map(
    (category): Column<ComparedPoint> => ({
      head: category,
      cell: ({ costUsd }) => (costUsd === undefined ? '' : shareOf(costUsd, category)),
    }),
  ),
];

function shareOf(spending: Spending, category: SpendingCategory): string {
  const total = sum(spending);
  return formatPercent(total > 0 ? spending[category] / total : 0);
}

function sum(spending: Spending): number {
  return spendingCategories.reduce((total, category) => total + spending[category], 0);
}
