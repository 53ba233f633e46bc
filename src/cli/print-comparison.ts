/** The comparison that `compare` prints, and a sweep at its end. */

import type { ComparedRun } from '../economics/comparison/compared-fleets.ts';
import { type Comparison, compareRuns } from '../economics/comparison/comparison.ts';
import { describeUnmeasured, type UnmeasuredRun } from '../economics/costs/unmeasured-runs.ts';
import { describePaidPrices, pricedWorkers } from '../economics/planning/gpu-offers.ts';
import type { PriceRow } from '../economics/prices/price-table.ts';
import { renderComparison } from '../report/comparison/comparison-table.ts';
import { snakeCased } from '../report/snake-case.ts';
import { terminalColumns, wantsColour } from './terminal.ts';
import { today } from './worker-price.ts';

/** A comparison, and what was spent beside it. */
export interface SpentComparison extends Comparison {
  readonly unmeasured: readonly UnmeasuredRun[];
}

/**
 * @param table says which of the prices that were looked up look better than they are
 * @param unmeasured runs that did not complete
 */
export function compareAtPrices(
  runs: readonly ComparedRun[],
  table: readonly PriceRow[],
  unmeasured: readonly UnmeasuredRun[],
  targetAccuracy?: number,
): SpentComparison {
  const summaries = runs.map(({ summary }) => summary);
  const furtherNotes = [
    ...describePaidPrices(pricedWorkers(summaries), table, today()),
    ...describeUnmeasured(unmeasured),
  ];
  return { ...compareRuns(runs, { furtherNotes, targetAccuracy }), unmeasured };
}

/** @param event first keys of the JSON object, where it is one event of many */
export function printComparison(comparison: SpentComparison, json: boolean, event: object = {}): void {
  console.log(
    json
      ? JSON.stringify({ ...event, basis: 'measured', ...(snakeCased(comparison) as object) })
      : renderComparison(comparison, { columns: terminalColumns(), colour: wantsColour() }),
  );
}
