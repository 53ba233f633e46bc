/** A line of `ledger.jsonl`: a worker's account at a moment. Every figure is cumulative. */
import { z } from 'zod';
import { secondsPerHour } from '../economics/ledger/cost.ts';
import { ledgerCategories } from '../economics/ledger/ledger.ts';
import { maxPriceUsdPerHour } from '../shared/core/price-limit.ts';
import { printable } from '../shared/core/printable.ts';
import { describeRanges, type Range } from './json-lines.ts';

/**
 * Why the accounts are drawn up. `interim`: every second, so that a run that is killed loses no more than that; of these the
 * newest are in the file, and fewer of the older ones the longer the run lasts.
 */
export const ledgerCauses = ['begin', 'interim', 'epoch', 'checkpoint', 'end'] as const;
export type LedgerCause = (typeof ledgerCauses)[number];

/** As in workers' reports. No run lasts longer, so a larger figure is damage, and sums of figures stay finite. */
const mostSeconds = 1e9;
const seconds = z.number().nonnegative().max(mostSeconds);
const usd = z
  .number()
  .nonnegative()
  .max((maxPriceUsdPerHour / secondsPerHour) * mostSeconds);

export const ledgerLineSchema = z.object({
  cause: z.enum(ledgerCauses),
  /** When the line was written: ISO 8601, UTC. */
  time: z.iso.datetime(),
  worker: z.string(),
  /** The worker's label, `gcp/t4/spot`, which says who bills it. Older versions wrote neither this nor the next field. */
  gpu: z.string().overwrite(printable).optional(),
  /** What its engine computes on, in the engine's words. */
  device: z.string().overwrite(printable).optional(),
  /** Null for a worker that never trained. */
  rank: z.int().nonnegative().nullable(),
  /** Committed steps of the run. */
  step: z.int().nonnegative(),
  /** The epoch that ended, counted from 1. */
  epoch: z.int().positive().optional(),
  samples: z.int().nonnegative(),
  run_seconds: seconds,
  alive_seconds: seconds,
  /** Null when no price was given; the worker then counts as free. */
  price_usd_per_hour: z.number().nonnegative().max(maxPriceUsdPerHour).nullable(),
  /** Set if nobody gave that price. */
  price_assumed: z.literal(true).optional(),
  /** From when this price holds. Earlier time is booked at the price it had. */
  price_since: z.iso.datetime(),
  seconds: z.record(z.enum(ledgerCategories), seconds),
  usd: z.record(z.enum(ledgerCategories), usd),
  cost_usd: usd,
  /** Processes the worker has had; each is a separate rental. Older versions wrote neither this nor the next field. */
  rentals: z.int().nonnegative().optional(),
  /** The bill for all rentals, each at its own price and billing rule, as if the last one ended here. */
  billed_usd: usd.optional(),
});
export type LedgerLine = z.infer<typeof ledgerLineSchema>;

/**
 * Every line has the totals, so one that is damaged is missed only where no later one has the worker's.
 * @param last the run's age, in seconds, in the last whole line of each worker
 */
export function describeDamage(damaged: readonly Range[], last: ReadonlyMap<string, number>): string {
  const left = `ledger.jsonl had damaged lines, which are left out: ${describeRanges(damaged)}`;
  if (last.size === 0) return `${left}; no line is whole, so nothing could be read`;
  const end = [...last.values()].reduce((latest, seconds) => Math.max(latest, seconds), 0);
  const behind = [...last].filter(([, seconds]) => seconds < end);
  const named = behind.slice(0, mostNamed);
  const missed = named.map(([worker, seconds]) => `${(end - seconds).toFixed(1)} s of ${printable(worker)}`);
  if (behind.length > named.length) missed.push(`and of ${behind.length - named.length} more workers`);
  return `${left}; the bill ${missed.length === 0 ? 'is complete up to the last whole line' : `lacks the last ${missed.join(', ')}`}`;
}

/** Workers that a warning names. */
const mostNamed = 5;
