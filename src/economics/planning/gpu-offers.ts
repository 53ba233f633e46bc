/** The offers in a price table for the cards in workers' labels. Pure. */

import type { WorkerKind } from '../comparison/worker-kind.ts';
import { gpuNames } from '../prices/price-label.ts';
import { findPrice, labelsIn, latestPrices } from '../prices/price-lookup.ts';
import type { PriceRow } from '../prices/price-row.ts';
import { cardAlone } from '../prices/price-series.ts';
import type { Summary } from '../record/summary.ts';
import type { Offer } from './planning.ts';

/**
 * All providers' offers of a kind's card, with the size of memory that its label names, or of a vCPU for each of its
 * threads. None for a kind without a label.
 * @param day ISO 8601; later prices are ignored
 */
export function offersOn(table: readonly PriceRow[], day: string): (kind: WorkerKind) => readonly Offer[] {
  const labelOf = labelsIn(table);
  const rows = latestPrices(table, day);
  return ({ gpu, threads = 1 }) =>
    rows
      .filter((row) => gpu !== undefined && gpuNames(row).includes(gpu))
      .map((row) => ({
        label: row.scope === 'gpu-only' ? `${labelOf(row)}, ${cardAlone}` : labelOf(row),
        usdPerHour: row.unit === 'vcpu' ? threads * row.usdPerHour : row.usdPerHour,
      }));
}

/** The labels (`gcp/t4/spot`) of workers whose price was looked up and covers the card without a machine. */
export function labelsOfCardsAlone(summaries: readonly Summary[], table: readonly PriceRow[]): readonly string[] {
  const labels = summaries.flatMap(({ workers, started_at }) =>
    workers.flatMap(({ gpu, price_source, price_usd_per_hour: price }) => {
      if (gpu === undefined || price_source === undefined) return [];
      const row = tryFindPrice(table, gpu, started_at.slice(0, 10));
      return row?.scope === 'gpu-only' && row.usdPerHour === price ? [gpu] : [];
    }),
  );
  return [...new Set(labels)];
}

/** @returns a note, or none when there are no labels */
export function describeCardsAlone(labels: readonly string[]): readonly string[] {
  return labels.length === 0
    ? []
    : [`the price of ${labels.join(', ')} is for the ${cardAlone}: the machine around it costs extra`];
}

/** @returns undefined when the table, which may differ from the one that the run used, has no such price */
function tryFindPrice(table: readonly PriceRow[], label: string, day: string): PriceRow | undefined {
  try {
    return findPrice(table, label, day);
  } catch {
    return undefined;
  }
}
