/**
 * Writes `ledger.jsonl` so that a long run of many workers does not fill the disk. The newest accounts are always in the
 * file; of those drawn up in between, fewer are kept the longer the run lasts and the more workers it has, and each of the
 * others is overwritten by the next.
 */
import type { LineFile } from '../../shared/files/line-file.ts';
import type { LedgerEvent } from '../run-events.ts';
import { ledgerText } from './ledger-file.ts';

/**
 * Seconds between two interim accounts that are kept: a second for every eight workers, and a thousandth of the run's age.
 * So a day of 256 workers has half a million lines, and one of two workers eleven thousand.
 */
export function keptEvery(workers: number, runSeconds: number): number {
  return Math.max(1, workers / 8, runSeconds / 1000);
}

export function createLedgerLog(file: LineFile): (event: LedgerEvent, unixMs: number) => void {
  let keptAt = Number.NEGATIVE_INFINITY;
  return (event, unixMs) => {
    const { cause, runSeconds, entries } = event;
    const isInterim = cause === 'interim';
    // Accounts are drawn up about once a second, so half a second more or less does not matter.
    const isKept = !isInterim || runSeconds - keptAt >= keptEvery(entries.length, runSeconds) - 0.5;
    if (isKept) keptAt = runSeconds;
    file.append(ledgerText(event, unixMs), isInterim, !isKept);
  };
}
