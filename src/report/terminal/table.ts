import CliTable from 'cli-table3';
import type { Paint } from './colour.ts';
import { wrapText } from './wrap-text.ts';

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** When the table is too wide, columns with the highest number are dropped first. 0 or none: never dropped. */
  readonly expendable?: number;
}

const separator = 3;

/**
 * A table with a ruled heading. Expendable columns are dropped until it is at most `columns` characters wide, and a last
 * line names them. The last `totals` rows are separated by a rule.
 * @param options `columns` is infinite where no terminal limits the width
 */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: { readonly columns: number; readonly totals?: number; readonly paint: Paint },
): string {
  const kept = fitColumns(columns, rows, options.columns);
  const rule = '─';
  const table = new CliTable({
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: ' ',
    },
    colAligns: kept.map(({ align }) => align ?? 'right'),
    // Empty styles, because the library's defaults add colour.
    style: { head: [], border: [], 'padding-left': 1, 'padding-right': 1 },
  });
  const ruled = kept.map((column) => rule.repeat(widthOf(column, rows)));
  const firstTotal = rows.length - (options.totals ?? 0);
  table.push(kept.map(({ head }) => options.paint('bold', head)));
  table.push(ruled.map((line) => options.paint('dim', line)));
  for (const [index, row] of rows.entries()) {
    if (index === firstTotal && index > 0) table.push(ruled.map((line) => options.paint('dim', line)));
    table.push(kept.map((column) => column.cell(row)));
  }
  const lines = table.toString().split('\n');
  return [...lines.map((line) => line.trimEnd()), ...describeLeftOut(columns, kept, options)].join('\n');
}

function describeLeftOut<Row>(
  columns: readonly Column<Row>[],
  kept: readonly Column<Row>[],
  { columns: width, paint }: { readonly columns: number; readonly paint: Paint },
): readonly string[] {
  if (kept.length === columns.length) return [];
  const heads = columns.filter((column) => !kept.includes(column)).map(({ head }) => head);
  const line = `no room here for: ${heads.join(', ')} (a pipe gets every column)`;
  return wrapText(line, width - 1, '')
    .split('\n')
    .map((part) => ` ${paint('dim', part)}`);
}

/** The columns that fit into `width`. */
export function fitColumns<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
): readonly Column<Row>[] {
  let kept = columns;
  while (tableWidth(kept, rows) > width) {
    const most = Math.max(...kept.map(({ expendable }) => expendable ?? 0));
    if (most === 0) break;
    kept = kept.filter(({ expendable }) => (expendable ?? 0) !== most);
  }
  return kept;
}

function tableWidth<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): number {
  const cells = columns.reduce((sum, column) => sum + widthOf(column, rows), 0);
  return cells + separator * columns.length - 1;
}

function widthOf<Row>({ head, cell }: Column<Row>, rows: readonly Row[]): number {
  return Math.max(head.length, ...rows.map((row) => cell(row).length));
}
