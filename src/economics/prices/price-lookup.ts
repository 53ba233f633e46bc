/** Looks up prices by label and day. Pure. */
import { badInput } from '../../shared/core/errors.ts';
import { gpuNames, priceLabel, splitLabel } from './price-label.ts';
import type { PriceRow } from './price-row.ts';

/** A row with a date. Only these can be looked up. */
export type DatedPrice = PriceRow & { readonly date: string };

const shownMatches = 5;

export function isDated(row: PriceRow): row is DatedPrice {
  return row.date !== undefined;
}

/**
 * The latest price up to a day for each GPU (and size of memory), provider and market, in the order of the table. Of
 * several prices of the same day the lowest counts. Prices without a date are left out.
 * @param day ISO 8601
 */
export function latestPrices(rows: readonly PriceRow[], day: string): readonly DatedPrice[] {
  const latest = new Map<string, DatedPrice>();
  for (const row of rows) {
    if (!isDated(row) || row.date > day) continue;
    const key = JSON.stringify([priceLabel(row), row.gpuMemoryGb]);
    const other = latest.get(key);
    if (other === undefined || isBetter(row, other)) latest.set(key, row);
  }
  return [...latest.values()];
}

/**
 * Gives each row of a table its label: `gcp/t4/spot`, or `aws/a100-80gb/on-demand` where a GPU has several sizes of memory.
 */
export function labelsIn(rows: readonly PriceRow[]): (row: PriceRow) => string {
  const sizes = new Map<string, Set<number | undefined>>();
  for (const row of rows) sizes.set(priceLabel(row), (sizes.get(priceLabel(row)) ?? new Set()).add(row.gpuMemoryGb));
  return (row) => {
    const several = (sizes.get(priceLabel(row))?.size ?? 1) > 1;
    const gpu = several ? (gpuNames(row).at(-1) ?? row.gpu) : row.gpu;
    return priceLabel({ ...row, gpu });
  };
}

/**
 * The price of a label on a day: the latest up to that day, and the lowest where several have the same date.
 * @param label `gcp/t4/spot`, or with the GPU's memory `aws/a100-80gb/on-demand`
 * @throws bad-input listing similar labels, or saying why this label has no single price on that day
 */
export function findPrice(rows: readonly PriceRow[], label: string, day: string): DatedPrice {
  const wanted = splitLabel(label);
  if (wanted === undefined) {
    throw badInput(`'${label}' must be provider/gpu/market to have a price, for example gcp/t4/spot`);
  }
  const { provider, gpu, market } = wanted;
  const named = rows.filter(
    (row) => row.provider.toLowerCase() === provider && row.market === market && gpuNames(row).includes(gpu),
  );
  const [some] = named;
  if (some === undefined) {
    const near = nearLabels(rows, wanted).join(', ');
    throw badInput(`no price is known for '${label}'; similar labels: ${near} (all: pennygrad prices)`);
  }
  const exact = new Set(named.map(labelsIn(rows)));
  if (new Set(named.map(({ gpuMemoryGb }) => gpuMemoryGb)).size > 1) {
    throw badInput(`'${label}' names GPUs with different amounts of memory; use ${[...exact].sort().join(' or ')}`);
  }
  const dated = named.filter(isDated);
  const [first, ...others] = dated.filter(({ date }) => date <= day);
  if (first !== undefined) return others.reduce((best, row) => (isBetter(row, best) ? row : best), first);
  const earliest = dated.map(({ date }) => date).sort()[0];
  throw badInput(
    earliest === undefined
      ? `the price of '${label}', ${some.usdPerHour} USD per hour, has no date; to use it, pass price=${some.usdPerHour}`
      : `'${label}' has no price on ${day}; its first price is from ${earliest}`,
  );
}

function isBetter(row: DatedPrice, than: DatedPrice): boolean {
  return row.date > than.date || (row.date === than.date && row.usdPerHour < than.usdPerHour);
}

/** The labels most similar to the one wanted. The same GPU counts most, then the provider, then the market. */
function nearLabels(
  rows: readonly PriceRow[],
  wanted: { readonly provider: string; readonly gpu: string; readonly market: string },
): readonly string[] {
  const nearness = (row: PriceRow) =>
    (gpuNames(row).includes(wanted.gpu) ? 4 : 0) +
    (row.provider.toLowerCase() === wanted.provider ? 2 : 0) +
    (row.market === wanted.market ? 1 : 0);
  const labelOf = labelsIn(rows);
  const ranked = rows.map((row) => ({ label: labelOf(row), near: nearness(row) })).sort((a, b) => b.near - a.near);
  return [...new Set(ranked.map(({ label }) => label))].slice(0, shownMatches);
}
