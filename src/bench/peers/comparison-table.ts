/** The columns and rows of the comparison's two tables. */
import type { Column } from '../../report/terminal/table.ts';
import { formatCount, formatPercent } from '../../shared/core/number-format.ts';
import { type Absent, peerNames, peerTitles } from './candidates.ts';
import type { ComparisonRow } from './comparison.ts';

/** A row with figures, or with a remark that says why there are none. */
export interface TableRow {
  readonly title: string;
  readonly figures?: ComparisonRow;
  readonly remark: string;
}

/**
 * Rows of the measured candidates with their remarks, then rows of those that could not be measured, with the reason.
 */
export function tableRows(
  measured: readonly ComparisonRow[],
  absent: readonly Absent[],
  remarks: ReadonlyMap<string, string> = new Map(),
): readonly TableRow[] {
  return [
    ...measured.map((figures) => ({
      title: figures.candidate,
      figures,
      remark: remarks.get(figures.candidate) ?? '',
    })),
    ...absent.map(({ title, reason }) => ({ title, remark: `not measured: ${reason.replace(/\s+/g, ' ').trim()}` })),
  ];
}

const none = '–';
const figure = (format: (figures: ComparisonRow) => string) => (row: TableRow) =>
  row.figures === undefined ? none : format(row.figures);

const common: readonly Column<TableRow>[] = [
  { head: 'batch', cell: figure(({ batchSize }) => formatCount(batchSize)) },
  { head: 'samples/s', cell: figure(({ samplesPerSecond }) => formatCount(samplesPerSecond)) },
  { head: 'best', cell: figure(({ bestSamplesPerSecond }) => formatCount(bestSamplesPerSecond)), expendable: 1 },
];

const remark: Column<TableRow> = { head: '', cell: (row) => row.remark, align: 'left' };

/** Samples/s on one core, share of the roofline, and the ratio to each peer. */
export const engineColumns: readonly Column<TableRow>[] = [
  { head: 'engine', cell: ({ title }) => title, align: 'left' },
  ...common,
  { head: 'roofline', cell: figure(({ rooflineShare }) => optional(rooflineShare, formatPercent)) },
  ...peerNames.map((name) => ratioColumn(peerTitles[name])),
  remark,
];

/** Whole runs of two processes, and their ratio to each baseline. */
export function pairColumns(baselines: readonly string[]): readonly Column<TableRow>[] {
  return [
    { head: 'two processes', cell: ({ title }) => title, align: 'left' },
    ...common,
    ...baselines.map(ratioColumn),
    remark,
  ];
}

/** @param baseline its title */
function ratioColumn(baseline: string): Column<TableRow> {
  return {
    head: `÷ ${baseline}`,
    cell: figure(({ ratios }) => optional(ratios[baseline], formatRatio)),
  };
}

function formatRatio(ratio: number): string {
  return ratio < 0.1 ? ratio.toPrecision(1) : ratio.toFixed(2);
}

function optional(value: number | undefined, format: (value: number) => string): string {
  return value === undefined ? none : format(value);
}
