/** The costs of runs for machines: JSON, and CSV as RFC 4180 has it. */
import type { CostReport, CostRow } from '../../economics/costs/cost-report.ts';
import type { CostGrouping } from '../../economics/costs/cost-tally.ts';
import type { Spent } from '../../economics/costs/spent.ts';
import { printable } from '../../shared/core/printable.ts';

type NameField = readonly [field: string, property: Exclude<keyof CostRow, 'spent'>];

const run: readonly NameField[] = [
  ['run', 'run'],
  ['run_id', 'runId'],
];
const nameFields: Readonly<Record<CostGrouping, readonly NameField[]>> = {
  run: [...run, ['status', 'status']],
  worker: [...run, ['worker', 'worker']],
  gpu: [['gpu', 'gpu']],
  provider: [['provider', 'provider']],
  category: [['category', 'category']],
  day: [['day', 'day']],
};

type Fields = Readonly<Record<string, string | number>>;

/** The fields of a row, in the order of the columns of the CSV. Seconds and USD are not rounded. */
function recordOf(by: CostGrouping, row: CostRow): Fields {
  const names = nameFields[by].map(([field, property]) => [field, row[property] ?? '']);
  return { ...Object.fromEntries(names), ...(by === 'category' ? sharesOf(row.spent) : amountsOf(row.spent)) };
}

/** Bills and samples belong to no category. */
function sharesOf({ aliveSeconds, costUsd }: Spent): Fields {
  return { alive_seconds: aliveSeconds, cost_usd: costUsd };
}

function amountsOf(spent: Spent): Fields {
  return {
    alive_seconds: spent.aliveSeconds,
    samples: spent.samples,
    cost_usd: spent.costUsd,
    billed_usd: spent.billedUsd,
    wasted_seconds: spent.seconds.wasted,
    wasted_usd: spent.usd.wasted,
    assumed_usd: spent.assumedUsd,
    unpriced_seconds: spent.unpricedSeconds,
  };
}

export function costsJson({ by, folders, since, runs, rows, total, notes, problems }: CostReport): string {
  return JSON.stringify({
    basis: 'measured',
    by,
    folders,
    since: since ?? null,
    runs,
    rows: rows.map((row) => recordOf(by, row)),
    total: amountsOf(total),
    notes,
    problems,
  });
}

/** A line of names, and one for each row. There is none for the total, so that a column can be added up. */
export function costsCsv({ by, rows, total }: CostReport): string {
  const heads = Object.keys(recordOf(by, { spent: total }));
  const lines = rows.map((row) => Object.values(recordOf(by, row)).map(csvCell).join(','));
  return [heads.join(','), ...lines].join('\n');
}

function csvCell(value: string | number): string {
  const text = typeof value === 'number' ? String(value) : csvText(printable(value));
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Spreadsheets calculate cells that begin like a formula, which can send away what other cells hold, and some skip spaces
 * first. Workers and runs are named by others. (https://owasp.org/www-community/attacks/CSV_Injection)
 */
function csvText(text: string): string {
  return /^\s*[=+\-@]/.test(text) ? `'${text}` : text;
}
