/** The costs of runs as a table, for the terminal and for HTML. */
import type { CostReport, CostRow } from '../../economics/costs/cost-report.ts';
import type { CostGrouping } from '../../economics/costs/cost-tally.ts';
import type { Spent } from '../../economics/costs/spent.ts';
import { formatCount, formatPercent, formatSeconds, formatUsd } from '../../shared/core/number-format.ts';
import { printable } from '../../shared/core/printable.ts';
import { createPaint } from '../terminal/colour.ts';
import { type Column, renderTable } from '../terminal/table.ts';
import { wrapText } from '../terminal/wrap-text.ts';

export function renderCosts(
  report: CostReport,
  options: { readonly columns: number; readonly colour: boolean },
): string {
  const { by, rows, total, notes } = report;
  const paint = createPaint(options.colour);
  const prose = (line: string) => wrapText(line, options.columns);
  if (report.runs === 0)
    return `no run in ${report.folders.join(', ')}${sinceWhen(report.since, ' cost anything since ')}`;
  return [
    prose(describeCosts(report)).replace('Costs', paint('bold', 'Costs')),
    '',
    renderTable(costColumns(report), [...rows, totalRow(by, total)], { columns: options.columns, totals: 1, paint }),
    ...(notes.length === 0 ? [] : ['', ...notes.map(prose)]),
  ].join('\n');
}

/** To the second. */
function sinceWhen(since: string | undefined, words: string): string {
  return since === undefined ? '' : `${words}${since.slice(0, 19)}Z`;
}

/** `Costs of 4 runs in runs, since 2026-11-01T00:00:00Z, from their ledgers` */
export function describeCosts({ runs, folders, since }: Omit<CostReport, 'by' | 'rows'>): string {
  const which = `${formatCount(runs)} ${runs === 1 ? 'run' : 'runs'} in ${folders.join(', ')}`;
  return `Costs of ${which}${sinceWhen(since, ', since ')}, from ${runs === 1 ? 'its ledger' : 'their ledgers'}`;
}

const totalName = 'total';

export function totalRow(by: CostGrouping, total: Spent): CostRow {
  return { [by === 'worker' ? 'run' : by]: totalName, spent: total };
}

const nameColumns: Readonly<Record<CostGrouping, readonly Column<CostRow>[]>> = {
  run: [
    { head: 'run', cell: ({ run = '' }) => printable(run), align: 'left' },
    { head: 'run id', cell: ({ runId = '' }) => printable(runId), align: 'left', expendable: 1 },
    { head: 'status', cell: ({ status = '' }) => status, align: 'left' },
  ],
  worker: [
    { head: 'run', cell: ({ run = '' }) => printable(run), align: 'left' },
    { head: 'worker', cell: ({ worker = '' }) => printable(worker), align: 'left' },
  ],
  gpu: [{ head: 'computes on', cell: ({ gpu = '' }) => gpu, align: 'left' }],
  provider: [{ head: 'provider', cell: ({ provider = '' }) => provider, align: 'left' }],
  category: [{ head: 'spent on', cell: ({ category = '' }) => category, align: 'left' }],
  day: [{ head: 'day (UTC)', cell: ({ day = '' }) => day, align: 'left' }],
};

export function costColumns({ by, total }: Pick<CostReport, 'by' | 'total'>): readonly Column<CostRow>[] {
  const alive: Column<CostRow> = {
    head: 'alive',
    cell: ({ spent }) => formatSeconds(spent.aliveSeconds),
    expendable: 1,
  };
  if (by === 'category') {
    const share = ({ spent }: CostRow) => (total.costUsd > 0 ? spent.costUsd / total.costUsd : 0);
    return [
      ...nameColumns.category,
      { ...alive, expendable: 0 },
      { head: 'accrued', cell: ({ spent }) => formatUsd(spent.costUsd) },
      { head: 'share', cell: (row) => formatPercent(share(row)) },
    ];
  }
  return [
    ...nameColumns[by],
    alive,
    { head: 'samples', cell: ({ spent }) => formatCount(spent.samples), expendable: 2 },
    { head: 'accrued', cell: ({ spent }) => formatAccrued(spent) },
    { head: 'billed', cell: ({ spent }) => formatUsd(spent.billedUsd) },
    { head: 'wasted', cell: ({ spent }) => formatUsd(spent.usd.wasted), expendable: 3 },
  ];
}

/** `assumed $0.0012`, `partly assumed $0.0012`, `no price` */
function formatAccrued({ costUsd, assumedUsd, aliveSeconds, unpricedSeconds }: Spent): string {
  if (costUsd === 0 && unpricedSeconds > 0 && unpricedSeconds === aliveSeconds) return 'no price';
  const basis = assumedUsd === 0 ? '' : assumedUsd >= costUsd * (1 - 1e-9) ? 'assumed ' : 'partly assumed ';
  return `${basis}${formatUsd(costUsd)}`;
}
