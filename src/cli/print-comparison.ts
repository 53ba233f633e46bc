/** What `compare` says of runs, and a sweep at its end. */
import type { PriceRow } from '../shared/prices/price-table.ts';
import { type ComparedRun, type Comparison, compareRuns } from '../shared/report/comparison.ts';
import { snakeCased } from '../shared/report/comparison-json.ts';
import { renderComparison } from '../shared/report/comparison-table.ts';
import { describeCardsAlone, labelsOfCardsAlone } from '../shared/report/gpu-offers.ts';
import { terminalColumns, wantsColour } from './terminal.ts';

/** @param table tells which prices leave out the machine around a card */
export function compareAtPrices(runs: readonly ComparedRun[], table: readonly PriceRow[]): Comparison {
  const summaries = runs.map(({ summary }) => summary);
  return compareRuns(runs, describeCardsAlone(labelsOfCardsAlone(summaries, table)));
}

/** @param event the first keys of the JSON object, where it is one of many lines */
export function printComparison(comparison: Comparison, json: boolean, event: object = {}): void {
  console.log(
    json
      ? JSON.stringify({ ...event, basis: 'measured', ...(snakeCased(comparison) as object) })
      : renderComparison(comparison, { columns: terminalColumns(), colour: wantsColour() }),
  );
}
