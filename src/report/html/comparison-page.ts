/** A comparison as an HTML report. */
import type { ComparedPoint } from '../../economics/comparison/compared-point.ts';
import type { Comparison } from '../../economics/comparison/comparison.ts';
import type { CardHistory } from '../../economics/planning/price-history.ts';
import { countOf, formatCount, formatUsd } from '../../shared/core/number-format.ts';
import { accuracyColumns, additionColumns, moneyColumns, rateColumns } from '../comparison/comparison-table.ts';
import {
  describeBest,
  describeBreakEven,
  describeGrowth,
  describeMarginals,
  describeToAccuracy,
  growthName,
  longGrowths,
  toAccuracyTitle,
} from '../comparison/comparison-text.ts';
import { type Chart, chartHtml } from './chart.ts';
import { comparisonCharts } from './comparison-charts.ts';
import { frontTable } from './front-chart.ts';
import { escapeHtml, listHtml, sectionHtml, tableHtml } from './markup.ts';
import { renderPage } from './page.ts';
import { createNames } from './point-names.ts';
import { cardFigures, priceSectionHtml } from './price-charts.ts';
import type { ReportAssets } from './report-assets.ts';
import { stackedBarsHtml } from './stacked-bars.ts';

/** @param cards price histories of the workers' cards, as far as a price table has them */
export function renderComparisonPage(
  comparison: Comparison,
  assets: ReportAssets,
  cards: readonly CardHistory[] = [],
): string {
  const { points, breakEvens, dataset, model, notes } = comparison;
  const charts = comparisonCharts(comparison);
  const prices = cardFigures(cards, 'these runs');
  const runs = points.flatMap((point) => point.runs);
  return renderPage(
    {
      title: `Comparison of ${countOf(runs.length, 'run')}`,
      lead: `${model.name} with ${formatCount(model.parameters)} parameters on ${dataset.name}. Brackets and whiskers show 95 % confidence (Welch's t-interval on logarithms); a whisker that ends in an arrow continues outside the plot.`,
      basis: 'measured',
      charts: [...charts, ...prices.map(({ chart }) => chart)],
      footer: `Runs: ${runs.join(', ')}`,
      body: [
        listHtml(describeBest(comparison)),
        tableHtml('All points', rateColumns(pricedPoints(comparison).length > 0), points),
        toAccuracySection(comparison),
        ...chartSections(comparison, charts),
        ...spendingSections(comparison),
        growthSection(comparison, charts),
        sectionHtml('What a worker is worth', listHtml(describeMarginals(comparison))),
        sectionHtml('Break-even prices', listHtml(breakEvens.map(describeBreakEven))),
        priceSectionHtml(prices),
        sectionHtml('Notes', listHtml(notes)),
      ],
    },
    assets,
  );
}

/** Empty where no accuracy was named. */
function toAccuracySection({ points, toAccuracy }: Comparison): string {
  if (toAccuracy === undefined) return '';
  const title = toAccuracyTitle(toAccuracy);
  return sectionHtml(
    title,
    toAccuracy.points.length === 0 ? '' : tableHtml(title, accuracyColumns(points), toAccuracy.points),
    listHtml(describeToAccuracy(points, toAccuracy)),
  );
}

function pricedPoints({ points }: Comparison): readonly ComparedPoint[] {
  return points.filter(({ costUsd }) => costUsd !== undefined);
}

/** Empty where the comparison has no such chart. */
function namedChartHtml(
  charts: readonly Chart[],
  id: string,
  describe: string,
  table?: (chart: Chart) => string,
): string {
  const chart = charts.find((one) => one.id === id);
  return chart === undefined ? '' : chartHtml(chart, describe, table?.(chart));
}

function chartSections(comparison: Comparison, charts: readonly Chart[]): readonly string[] {
  const section = (title: string, id: string, describe: string, table?: (chart: Chart) => string) =>
    sectionHtml(title, namedChartHtml(charts, id, describe, table));
  return [
    section(
      'Speed',
      'throughput',
      'Samples per second by number of workers, and the sum of what the same workers do alone',
    ),
    section('Efficiency', 'efficiency', 'Strong and weak scaling efficiency by number of workers; one is ideal'),
    section(
      'Time and cost',
      'front',
      'Seconds and cost of an epoch at every point; marks show the front, the cheapest and the fastest point, and those that may be as cheap or as fast',
      (chart) => frontTable(comparison, chart),
    ),
  ];
}

function spendingSections(comparison: Comparison): readonly string[] {
  const { points } = comparison;
  const priced = pricedPoints(comparison);
  const names = createNames(points);
  return [
    sectionHtml(
      'Where the time went',
      stackedBarsHtml(
        'time',
        `Time of a step, mean over workers${names.title}`,
        points.map((point) => ({ name: names.ofPoint(point), spending: point.stepSeconds })),
        (seconds) => `${(1000 * seconds).toFixed(2)} ms`,
      ),
    ),
    sectionHtml(
      'Where the money went',
      priced.length === 0 ? '' : tableHtml('Accrued and billed', moneyColumns(priced), priced),
      stackedBarsHtml(
        'money',
        `Cost of a run, including start-up and test passes${names.title}`,
        priced.map((point) => ({
          name: names.ofPoint(point),
          spending: point.costUsd,
          former: point.formerCostUsd,
        })),
        formatUsd,
      ),
    ),
  ];
}

function growthSection(comparison: Comparison, charts: readonly Chart[]): string {
  return sectionHtml(
    'Adding workers',
    ...longGrowths(comparison).map(
      (growth) =>
        `<h3>${escapeHtml(growthName(growth))}</h3>` +
        tableHtml(`Adding ${growthName(growth)}`, additionColumns(comparison.points), growth.additions) +
        listHtml([describeGrowth(growth)]),
    ),
    namedChartHtml(
      charts,
      'break-even',
      'Price below which the first, second and each further worker of a kind pays, and its actual price',
    ),
  );
}
