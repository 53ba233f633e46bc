import { formatUsd } from '../../shared/core/number-format.ts';
import type { Summary, WorkerSummary } from './summary.ts';

/** What a run is billed and by which rules, and the origin of prices that were looked up: a line each. */
export function describeBilling(summary: Summary): readonly string[] {
  const { workers, billed_usd_total, rentals = 0, fleet_changes } = summary;
  const priced = workers.filter(({ price_usd_per_hour }) => price_usd_per_hour !== undefined);
  // One rental for each worker is the rule, and needs no mention.
  const what = rentals > workers.length ? ` for ${rentals} separate rentals` : '';
  // Earlier rentals may have had other rules.
  const which = fleet_changes === undefined ? ': ' : '; the latest ones ';
  const rules = priced.length === 0 ? '' : `${which}${describeRules(workers)}`;
  const bill = `Billed ${formatUsd(billed_usd_total)}${what}${rules}`;
  return [bill, ...distinct(priced.flatMap(describeOrigin))];
}

/** How a provider is billed whose rule is not known. */
export const noKnownRule = 'by the second where the provider has no known rule';

/** The billing rules of the workers that have a price: `GCP by the second, at least 60 s`. */
export function describeRules(workers: readonly WorkerSummary[]): string {
  const priced = workers.filter(({ price_usd_per_hour }) => price_usd_per_hour !== undefined);
  return distinct(priced.map(({ billing }) => (billing === undefined ? noKnownRule : describeRule(billing)))).join(
    '; ',
  );
}

const unitNames: ReadonlyMap<number, string> = new Map([
  [1, 'second'],
  [60, 'minute'],
  [3600, 'hour'],
]);

/** `GCP by the second, at least 60 s` */
export function describeRule({
  provider,
  granularity_seconds,
  minimum_seconds,
}: Omit<NonNullable<WorkerSummary['billing']>, 'source' | 'date'>): string {
  const unit = unitNames.get(granularity_seconds) ?? `${granularity_seconds} s`;
  const least = minimum_seconds > granularity_seconds ? `, at least ${minimum_seconds} s` : '';
  return `${provider} by the ${unit}${least}`;
}

function describeOrigin({
  gpu,
  price_usd_per_hour,
  price_source,
  price_date,
  price_assumed,
}: WorkerSummary): readonly string[] {
  if (price_usd_per_hour === undefined || price_source === undefined) return [];
  return [`Price of ${price_assumed ?? gpu}: ${formatUsd(price_usd_per_hour)} an hour, ${price_date}, ${price_source}`];
}

function distinct(lines: readonly string[]): readonly string[] {
  return [...new Set(lines)];
}
