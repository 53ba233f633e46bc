import { formatUsd } from '../../shared/core/number-format.ts';
import type { Summary, WorkerSummary } from './summary.ts';

/** What the run is billed and by which rules, and where prices are from that were looked up: a line each. */
export function describeBilling(summary: Summary): readonly string[] {
  const { workers, billed_usd_total, rentals = 0, fleet_changes } = summary;
  const priced = workers.filter(({ price_usd_per_hour }) => price_usd_per_hour !== undefined);
  // With one rental a worker there is nothing to say of them.
  const what = rentals > workers.length ? ` for ${rentals} rentals, each by itself` : '';
  // Earlier rentals may have had other rules.
  const which = fleet_changes === undefined ? ': ' : '; the last ones ';
  const rules = priced.length === 0 ? '' : `${which}${describeRules(workers)}`;
  const bill = `Billed ${formatUsd(billed_usd_total)}${what}${rules}`;
  return [bill, ...distinct(priced.flatMap(describeOrigin))];
}

/** The rules by which those of the workers are billed that have a price: `GCP to the second, 60 s at least`. */
export function describeRules(workers: readonly WorkerSummary[]): string {
  const priced = workers.filter(({ price_usd_per_hour }) => price_usd_per_hour !== undefined);
  return distinct(priced.map(describeRule)).join('; ');
}

function describeRule({ billing }: WorkerSummary): string {
  if (billing === undefined) return 'to the second where no rule of a provider is known';
  const { provider, granularity_seconds, minimum_seconds } = billing;
  const unit = granularity_seconds === 1 ? 'second' : `${granularity_seconds} s`;
  const least = minimum_seconds > granularity_seconds ? `, ${minimum_seconds} s at least` : '';
  return `${provider} to the ${unit}${least}`;
}

function describeOrigin({ gpu, price_usd_per_hour, price_source, price_date }: WorkerSummary): readonly string[] {
  if (price_usd_per_hour === undefined || price_source === undefined) return [];
  return [`Price of ${gpu}: ${formatUsd(price_usd_per_hour)} an hour, ${price_date}, ${price_source}`];
}

function distinct(lines: readonly string[]): readonly string[] {
  return [...new Set(lines)];
}
