import stringWidth from 'string-width';
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
  const laid = columns.map((column) => layOut(column, rows));
  const kept = columnsThatFit(laid, options.columns);
  const ruled = lineOf(kept, ({ width }) => options.paint('dim', '─'.repeat(width)));
  const firstTotal = rows.length - (options.totals ?? 0);
  const lines = [lineOf(kept, ({ head }) => options.paint('bold', head)), ruled];
  for (const index of rows.keys()) {
    if (index === firstTotal && index > 0) lines.push(ruled);
    lines.push(lineOf(kept, ({ cells }) => cells[index] ?? ''));
  }
  return [...lines, ...describeLeftOut(laid, kept, options)].join('\n');
}

/** A column, every cell of which was made and measured once: a table may have very many rows. */
interface LaidColumn {
  readonly head: string;
  readonly cells: readonly string[];
  readonly align: 'left' | 'right';
  readonly expendable: number;
  /** Columns of a terminal. */
  readonly width: number;
}

function layOut<Row>({ head, cell, align = 'right', expendable = 0 }: Column<Row>, rows: readonly Row[]): LaidColumn {
  const cells = rows.map(cell);
  const width = cells.reduce((widest, text) => Math.max(widest, columnsOf(text)), columnsOf(head));
  return { head, cells, align, expendable, width };
}

function lineOf(columns: readonly LaidColumn[], textOf: (column: LaidColumn) => string): string {
  return columns
    .map((column) => {
      const text = textOf(column);
      const space = ' '.repeat(column.width - columnsOf(text));
      return column.align === 'left' ? ` ${text}${space}` : ` ${space}${text}`;
    })
    .join('  ')
    .trimEnd();
}

function describeLeftOut(
  columns: readonly LaidColumn[],
  kept: readonly LaidColumn[],
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
function columnsThatFit(columns: readonly LaidColumn[], width: number): readonly LaidColumn[] {
  let kept = columns;
  while (widthOf(kept) > width) {
    const most = Math.max(...kept.map(({ expendable }) => expendable));
    if (most === 0) break;
    kept = kept.filter(({ expendable }) => expendable !== most);
  }
  return kept;
}

function widthOf(columns: readonly LaidColumn[]): number {
  return columns.reduce((sum, { width }) => sum + width, 0) + separator * columns.length - 1;
}

/** Names and figures are ASCII nearly always, of which 450,000 take 0.1 s to measure so, and 1.9 s otherwise. */
function columnsOf(text: string): number {
  return /^[ -~]*$/.test(text) ? text.length : stringWidth(text);
}
