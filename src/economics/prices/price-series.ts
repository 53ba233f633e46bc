/**
 * Prices that are of one product and so make a series over time. A label like `lambda/h100/on-demand` may stand for
 * several, at once or one after the other: an H100 PCIe and an SXM, a large machine and a small one, the card without
 * any. The step from one to another is no change of price.
 */
import { labelsIn } from './price-lookup.ts';
import type { PriceRow } from './price-row.ts';

/** What is said of prices that leave out the machine around the card. */
export const cardAlone = 'card alone';

/**
 * What the series is called that each row of a table belongs to: its label, `lambda/h100/on-demand, 8x SXM` where the
 * label has several instances, by what not all of them have in their names, and `gcp/t4/spot, card alone`.
 */
export function seriesIn(rows: readonly PriceRow[]): (row: PriceRow) => string {
  const labelOf = labelsIn(rows);
  /** By label, by the instance's bare name: as it was first spelt. */
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

/** All words where those that not every other name has are none. */
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
