/** Reads `ledger.jsonl` as anyone would who knows its documentation. */
import { join } from 'node:path';
import { readJsonLines } from './run-folder.ts';

export interface LedgerRow {
  readonly cause: string;
  readonly worker: string;
  readonly step: number;
  readonly samples: number;
  readonly run_seconds: number;
  readonly alive_seconds: number;
  readonly seconds: Readonly<Record<string, number>>;
  readonly usd: Readonly<Record<string, number>>;
  readonly cost_usd: number;
  readonly billed_usd: number;
}

export function readLedgerRows(folder: string): readonly LedgerRow[] {
  return readJsonLines(join(folder, 'ledger.jsonl')) as unknown as LedgerRow[];
}

/** The last line of each worker, by its name. */
export function lastLedgerRows(folder: string): ReadonlyMap<string, LedgerRow> {
  return new Map(readLedgerRows(folder).map((row) => [row.worker, row]));
}

export function sumOf(amounts: Readonly<Record<string, number>>): number {
  return Object.values(amounts).reduce((sum, amount) => sum + amount, 0);
}

/** Figures that are less than they were in the same worker's line before, by name. */
export function fallen(rows: readonly LedgerRow[]): readonly string[] {
  return rows.flatMap((row, index) => {
    const before = rows.slice(0, index).findLast(({ worker }) => worker === row.worker);
    if (before === undefined) return [];
    const figures = (line: LedgerRow) => ({ ...line.seconds, usd: line.cost_usd, alive: line.alive_seconds });
    const earlier = new Map(Object.entries(figures(before)));
    return Object.entries(figures(row))
      .filter(([name, value]) => value < (earlier.get(name) ?? 0))
      .map(([name]) => `${row.worker} ${name} at line ${index + 1}`);
  });
}
