/** The offers in a price table for the cards in workers' labels, and what to know of the prices that workers had. Pure. */

import type { WorkerKind } from '../comparison/worker-kind.ts';
import { describeCaveats, priceCaveats } from '../prices/price-caveats.ts';
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
        tableLabel: labelOf(row),
        usdPerHour: row.unit === 'vcpu' ? threads * row.usdPerHour : row.usdPerHour,
      }));
}

/** Says which of these offers look better than they are. */
export function describeOffers(table: readonly PriceRow[], day: string, offers: readonly Offer[]): readonly string[] {
  const labelOf = labelsIn(table);
  const used = new Set(offers.map(({ tableLabel }) => tableLabel));
  return latestPrices(table, day)
    .filter((row) => used.has(labelOf(row)))
    .flatMap((row) => describeCaveats(labelOf(row), priceCaveats(row, day)));
}

/** A worker whose price may come from the table. */
export interface PricedWorker {
  /** Its label. */
  readonly gpu?: string | undefined;
  readonly usdPerHour: number | undefined;
  /** Set if the price was looked up, or assumed by one that was. */
  readonly source: string | undefined;
  /** What the price was assumed from: `2 vCPUs at aws/c7a/on-demand`. */
  readonly assumedFrom?: string | undefined;
  readonly threads?: number | undefined;
  /** ISO 8601: the day on which the price was looked up. */
  readonly day: string;
}

export function pricedWorkers(summaries: readonly Summary[]): readonly PricedWorker[] {
  return summaries.flatMap(({ workers, started_at }) =>
    workers.map(({ gpu, price_source, price_usd_per_hour, price_assumed, threads }) => ({
      gpu,
      usdPerHour: price_usd_per_hour,
      source: price_source,
      assumedFrom: price_assumed,
      threads,
      day: started_at.slice(0, 10),
    })),
  );
}

/**
 * Says which prices of workers, looked up in the table, look better or surer than they are: a line for each label.
 * @param today ISO 8601: the day on which somebody decides by them
 */
export function describePaidPrices(
  workers: readonly PricedWorker[],
  table: readonly PriceRow[],
  today: string,
): readonly string[] {
  const lines = workers.flatMap(({ gpu, usdPerHour, source, assumedFrom, threads = 1, day }) => {
    const label = assumedFrom === undefined ? gpu : assumedLabel(assumedFrom);
    if (label === undefined || source === undefined) return [];
    const row = tryFindPrice(table, label, day);
    // The table may differ from the one that the run used.
    if (row === undefined || row.usdPerHour * (row.unit === 'vcpu' ? threads : 1) !== usdPerHour) return [];
    return describeCaveats(label, priceCaveats(row, today));
  });
  return [...new Set(lines)];
}

/** `2 vCPUs at aws/c7a/on-demand` and `gcp/t4/on-demand, card alone` name a label. */
function assumedLabel(from: string): string | undefined {
  return /[^\s,]+\/[^\s,]+\/[^\s,]+/.exec(from)?.[0];
}

/** @returns undefined when the table, which may differ from the one that the run used, has no such price */
function tryFindPrice(table: readonly PriceRow[], label: string, day: string): PriceRow | undefined {
  try {
    return findPrice(table, label, day);
  } catch {
    return undefined;
  }
}
