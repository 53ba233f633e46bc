/**
 * Groups prices of one product into a series over time. A label like `lambda/h100/on-demand` may cover several products:
 * an H100 PCIe and an SXM, a large machine and a small one, the card without a machine. The difference between two
 * products is no change of price.
 */
import { labelsIn } from './price-lookup.ts';
import type { PriceRow } from './price-row.ts';

/** Marks prices that do not include the machine around the card. */
export const cardAlone = 'card alone';

/**
 * Names the series of each row of a table: the label; `lambda/h100/on-demand, 8x SXM` where the label covers several
 * instances, by the words that differ in their names; and `gcp/t4/spot, card alone`.
 */
export function seriesIn(rows: readonly PriceRow[]): (row: PriceRow) => string {
  const labelOf = labelsIn(rows);
  /** The first spelling of each instance, by label and by the instance's bare name. */
  const instances = new Map<string, Map<string, string>>();
  for (const row of rows) {
    if (row.scope === 'gpu-only') continue;
    const label = labelOf(row);
    const known = instances.get(label) ?? new Map<string, string>();
    if (!known.has(bareName(row))) known.set(bareName(row), row.instance ?? 'any machine');
    instances.set(label, known);
  }
  return (row) => {
    const label = labelOf(row);
    if (row.scope === 'gpu-only') return `${label}, ${cardAlone}`;
    const known = instances.get(label);
    const instance = known?.get(bareName(row));
    if (known === undefined || instance === undefined || known.size < 2) return label;
    return `${label}, ${ownWords(instance, [...known.values()])}`;
  };
}

/** The words of a name that not all names share; all words where there are none such. */
function ownWords(name: string, names: readonly string[]): string {
  const words = name.split(' ');
  const own = words.filter((word) => !names.every((other) => other.split(' ').includes(word)));
  return (own.length === 0 ? words : own).join(' ');
}

/** `Standard_NC24ads_A100_v4` and `NC24ads A100 v4` are the same. */
function bareName({ instance = '' }: PriceRow): string {
  return instance
    .toLowerCase()
    .replace(/^standard[_ ]/, '')
    .replaceAll(/[^a-z0-9]/g, '');
}
